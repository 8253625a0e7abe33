"""The lecture's TCP server: `python server.py [HOST [PORT]]` (port 0: any; it is printed). One client, then it ends."""

import socket
import sys

TCP_IP = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
TCP_PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 5005
BUFFER_SIZE = 20  # normally 1024, but a fast answer is wanted

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind((TCP_IP, TCP_PORT))
s.listen(1)
print("port:", s.getsockname()[1], flush=True)

conn, addr = s.accept()
print("address:", addr, flush=True)
while True:
    data = conn.recv(BUFFER_SIZE)
    if not data:
        break
    print("received:", data, flush=True)
    conn.send(data)
conn.close()
s.close()
