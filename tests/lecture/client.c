/* The lecture's TCP client in C: client [HOST [PORT]]. */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_IP "127.0.0.1"
#define TCP_PORT "5005"
#define BUFFER_SIZE 1024
#define MESSAGE "Hello, World!"

static int checked(int result, const char *call)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return result;
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    char data[BUFFER_SIZE];

    addr.sin_port = htons(atoi(argc > 2 ? argv[2] : TCP_PORT));
    if (inet_pton(AF_INET, argc > 1 ? argv[1] : TCP_IP, &addr.sin_addr) != 1) {
        fprintf(stderr, "the host is no IPv4 address\n");
        return 2;
    }

    int s = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
    checked(connect(s, (struct sockaddr *)&addr, sizeof addr), "connect");
    checked(send(s, MESSAGE, strlen(MESSAGE), 0), "send");
    int length = checked(recv(s, data, BUFFER_SIZE, 0), "recv");
    close(s);

    printf("received: %.*s\n", length, data);
    return 0;
}
