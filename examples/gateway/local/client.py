"""Calls both Services over one connection: client.py ADDRESS:PORT CA_FILE"""

import sys

import grpc

address, ca_file = sys.argv[1:]
with open(ca_file, "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
options = [("grpc.ssl_target_name_override", "echo.example.com")]
with grpc.secure_channel(address, credentials, options) as channel:
    for path in ["/api.Echo/Echo", "/api.Reverse/Reverse"]:
        call = channel.unary_unary(path, str.encode, bytes.decode)
        for _ in range(4):
            print(call("hello", timeout=10))
