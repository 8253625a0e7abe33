"""The lecture's TCP client: `python client.py PORT`."""

import socket
import sys

TCP_IP = "127.0.0.1"
BUFFER_SIZE = 1024
MESSAGE = b"Hello, World!"

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect((TCP_IP, int(sys.argv[1])))
s.send(MESSAGE)
data = s.recv(BUFFER_SIZE)
s.close()

print("received:", data)
