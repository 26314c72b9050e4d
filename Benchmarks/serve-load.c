// Role: an HTTP load client that costs little itself: one thread, epoll, keep-alive connections, requests made beforehand.
//
//   serve-load PORT CONNECTIONS SECONDS REQUESTS-FILE
//
// REQUESTS-FILE holds whole HTTP requests, each behind its length as a line of text. Connections send them in turn, one at a time each. Prints one
// JSON line: answers, those with status 200, seconds, and latencies in milliseconds.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct { char *bytes; size_t count; } Request;
typedef struct {
  int descriptor;
  size_t sent, received;
  const Request *request;
  double began;
  long length;  // of the whole answer; -1: not known yet, -2: chunked
  char head[65536];
  char tail[5];
} Connection;

static Request *requests;
static size_t request_count, next_request;
static float *latencies;
static size_t answers, good, capacity;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_requests(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  size_t length;
  while (fscanf(file, "%zu", &length) == 1) {
    fgetc(file);
    requests = realloc(requests, (request_count + 1) * sizeof(Request));
    char *bytes = malloc(length);
    if (fread(bytes, 1, length, file) != length) fail("a request is cut off");
    requests[request_count++] = (Request){bytes, length};
  }
  fclose(file);
  if (!request_count) { fprintf(stderr, "no requests in %s\n", path); exit(1); }
}

static void begin(Connection *c) {
  c->request = &requests[next_request++ % request_count];
  c->sent = c->received = 0;
  c->length = -1;
  c->began = now();
}

static void push(Connection *c) {
  while (c->sent < c->request->count) {
    ssize_t n = send(c->descriptor, c->request->bytes + c->sent, c->request->count - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) return;
      fail("send");
    }
    c->sent += n;
  }
}

/// True when the answer is whole.
static int pull(Connection *c) {
  static char block[1 << 18];
  for (;;) {
    ssize_t n = recv(c->descriptor, block, sizeof block, 0);
    if (n < 0) {
      if (errno == EAGAIN) return 0;
      fail("recv");
    }
    if (n == 0) { fprintf(stderr, "the server closed a connection\n"); exit(1); }
    if (c->received < sizeof c->head - 1) {
      size_t room = sizeof c->head - 1 - c->received, part = (size_t)n < room ? (size_t)n : room;
      memcpy(c->head + c->received, block, part);
      c->head[c->received + part] = 0;
    }
    if (n >= 5) {
      memcpy(c->tail, block + n - 5, 5);
    } else {
      memmove(c->tail, c->tail + n, 5 - n);
      memcpy(c->tail + 5 - n, block, n);
    }
    c->received += n;
    if (c->length == -1) {
      char *end = strstr(c->head, "\r\n\r\n");
      if (end) {
        char *length = strcasestr(c->head, "\r\ncontent-length:");
        c->length = length && length < end ? (end + 4 - c->head) + atol(length + 17) : -2;
      }
    }
    if (c->length >= 0 && c->received >= (size_t)c->length) return 1;
    if (c->length == -2 && !memcmp(c->tail, "0\r\n\r\n", 5)) return 1;
  }
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

int main(int count, char **words) {
  if (count != 5) { fprintf(stderr, "usage: serve-load PORT CONNECTIONS SECONDS REQUESTS-FILE\n"); return 2; }
  int port = atoi(words[1]), connections = atoi(words[2]);
  double seconds = atof(words[3]);
  read_requests(words[4]);
  int poll = epoll_create1(0);
  Connection *all = calloc(connections, sizeof(Connection));
  for (int i = 0; i < connections; i++) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    all[i].descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(all[i].descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
    int one = 1;
    setsockopt(all[i].descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &all[i]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, all[i].descriptor, &event)) fail("epoll_ctl");
  }
  for (int i = 0; i < connections; i++) {
    int on = 1;
    if (ioctl(all[i].descriptor, FIONBIO, &on)) fail("ioctl");
    begin(&all[i]);
    push(&all[i]);
  }
  double start = now(), end = start + seconds;
  int running = connections;
  struct epoll_event events[256];
  while (running) {
    int n = epoll_wait(poll, events, 256, 30000);
    if (n == 0) { fprintf(stderr, "no answer for 30 seconds\n"); return 1; }
    for (int i = 0; i < n; i++) {
      Connection *c = events[i].data.ptr;
      if (!c->request) continue;
      if (events[i].events & EPOLLOUT) push(c);
      if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
      while (c->request && pull(c)) {
        double time = now();
        if (answers == capacity) latencies = realloc(latencies, (capacity = capacity ? capacity * 2 : 1024) * sizeof(float));
        latencies[answers++] = (float)((time - c->began) * 1000);
        if (!strncmp(c->head, "HTTP/1.1 200", 12)) {
          good++;
        } else if (answers - good == 1) {
          fprintf(stderr, "the first other answer: %.800s\n", c->head);
        }
        if (time >= end) {
          c->request = NULL;
          running--;
        } else {
          begin(c);
          push(c);
        }
      }
    }
  }
  double took = now() - start;
  qsort(latencies, answers, sizeof(float), by_value);
  printf("{\"answers\":%zu,\"good\":%zu,\"seconds\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n", answers, good, took, latencies[answers / 2],
         latencies[(size_t)(answers * 0.99)], latencies[answers - 1]);
  return 0;
}
