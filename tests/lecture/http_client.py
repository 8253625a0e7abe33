"""The lecture's HTTP client: `python http_client.py [HOST [PORT]]`. What the server says is printed, whole."""

import socket
import sys

HOST = sys.argv[1] if len(sys.argv) > 1 else "httpbin.org"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 80
BUFFER_SIZE = 1024
REQUEST = b"GET /ip HTTP/1.0\n\n"  # two bare line feeds where HTTP asks for CR LF: servers take them

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect((HOST, PORT))
s.send(REQUEST)
while data := s.recv(BUFFER_SIZE):
    sys.stdout.buffer.write(data)
s.close()
