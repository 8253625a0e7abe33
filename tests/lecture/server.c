/* The lecture's TCP server in C: server [HOST [PORT]] (port 0: any; it is printed). One client, then it ends. */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_IP "127.0.0.1"
#define TCP_PORT "5005"
#define BUFFER_SIZE 20 /* normally 1024, but a fast answer is wanted */

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
    socklen_t addrlen = sizeof addr;
    char data[BUFFER_SIZE];

    addr.sin_port = htons(atoi(argc > 2 ? argv[2] : TCP_PORT));
    if (inet_pton(AF_INET, argc > 1 ? argv[1] : TCP_IP, &addr.sin_addr) != 1) {
        fprintf(stderr, "the host is no IPv4 address\n");
        return 2;
    }

    int s = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
    checked(bind(s, (struct sockaddr *)&addr, addrlen), "bind");
    checked(listen(s, 1), "listen");
    checked(getsockname(s, (struct sockaddr *)&addr, &addrlen), "getsockname");
    printf("port: %d\n", ntohs(addr.sin_port));
    fflush(stdout);

    int conn = checked(accept(s, (struct sockaddr *)&addr, &addrlen), "accept");
    printf("address: %s:%d\n", inet_ntoa(addr.sin_addr), ntohs(addr.sin_port));
    fflush(stdout);
    for (;;) {
        int length = checked(recv(conn, data, BUFFER_SIZE, 0), "recv");
        if (length == 0)
            break;
        printf("received: %.*s\n", length, data);
        fflush(stdout);
        checked(send(conn, data, length, 0), "send");
    }
    close(conn);
    close(s);
    return 0;
}
