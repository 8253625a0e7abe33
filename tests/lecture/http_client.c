/* The lecture's HTTP client in C: http_client [HOST [PORT]]. What the server says is printed, whole. */

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "httpbin.org"
#define PORT "80"
#define BUFFER_SIZE 1024
#define REQUEST "GET /ip HTTP/1.0\n\n" /* two bare line feeds where HTTP asks for CR LF: servers take them */

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
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char data[BUFFER_SIZE];
    int length;

    int error = getaddrinfo(argc > 1 ? argv[1] : HOST, argc > 2 ? argv[2] : PORT, &hints, &found);
    if (error) {
        fprintf(stderr, "getaddrinfo: %s\n", gai_strerror(error));
        return 1;
    }

    int s = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
    checked(connect(s, found->ai_addr, found->ai_addrlen), "connect");
    freeaddrinfo(found);
    checked(send(s, REQUEST, strlen(REQUEST), 0), "send");
    while ((length = checked(recv(s, data, BUFFER_SIZE, 0), "recv")) > 0)
        fwrite(data, 1, length, stdout);
    close(s);
    return 0;
}
