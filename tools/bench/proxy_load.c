/*
 * Load for the relays that tools/bench/proxy.ts measures, and the server behind
 * them: a client in TypeScript would be slower than what it measures.
 *
 *   proxy_load serve PORT         echoes; but of a connection that begins with
 *                                 'd' and eight digits it sends so many megabytes
 *   proxy_load get PORT MB        MB/s of one download
 *   proxy_load trip PORT COUNT    microseconds for one byte and back, the median
 *   proxy_load open PORT SECONDS  connections opened and closed in order in a second,
 *                                 by eight clients at once, with a byte and back on each
 *   proxy_load hold PORT COUNT    opens so many, prints a line, holds them to the end of its input
 *
 * All on 127.0.0.1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8, BLOCK = 1 << 20, COMMAND = 9 };

static int port;
static double end_time;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(struct sockaddr_in *address) {
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  if (s < 0) fail("socket");
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return s;
}

static int dial(void) {
  struct sockaddr_in address;
  int s = open_socket(&address);
  if (connect(s, (void *)&address, sizeof address)) fail("connect");
  return s;
}

/* One byte and back. */
static void trip(int s) {
  char byte = 'x';
  if (write(s, &byte, 1) != 1 || read(s, &byte, 1) != 1) fail("trip");
}

static void *send_megabytes(void *argument) {
  int s = (long)argument;
  static char block[BLOCK];
  char command[COMMAND + 1] = "";
  if (read(s, command, COMMAND) == COMMAND) {
    long long left = atoll(command + 1) * 1000000;
    while (left > 0) {
      long sent = write(s, block, left < BLOCK ? left : BLOCK);
      if (sent <= 0) break;
      left -= sent;
    }
    shutdown(s, SHUT_WR);
    while (read(s, command, COMMAND) > 0) {}
  }
  close(s);
  return 0;
}

static void serve(void) {
  struct sockaddr_in address;
  struct epoll_event events[256];
  int listener = open_socket(&address), poll = epoll_create1(0);
  if (bind(listener, (void *)&address, sizeof address)) fail("bind");
  if (listen(listener, 4096)) fail("listen");
  epoll_ctl(poll, EPOLL_CTL_ADD, listener,
            &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
  for (;;) {
    int count = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int s = events[i].data.fd;
      char data[64];
      if (s == listener) {
        int one = 1, conn = accept(listener, 0, 0);
        if (conn < 0) continue;
        setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poll, EPOLL_CTL_ADD, conn,
                  &(struct epoll_event){.events = EPOLLIN, .data.fd = conn});
      } else if (recv(s, data, 1, MSG_PEEK) == 1 && data[0] == 'd') {
        pthread_t thread;
        epoll_ctl(poll, EPOLL_CTL_DEL, s, 0);
        pthread_create(&thread, 0, send_megabytes, (void *)(long)s);
        pthread_detach(thread);
      } else {
        long length = read(s, data, sizeof data);
        if (length <= 0 || write(s, data, length) != length) close(s);
      }
    }
  }
}

static void get(int megabytes) {
  static char block[BLOCK];
  char command[COMMAND + 1];
  long long all = 0;
  long length;
  double start = now();
  int s = dial();
  snprintf(command, sizeof command, "d%08d", megabytes);
  if (write(s, command, COMMAND) != COMMAND) fail("write");
  while ((length = read(s, block, BLOCK / 4)) > 0) all += length;
  if (all != megabytes * 1000000LL) {
    fprintf(stderr, "got %lld bytes\n", all);
    exit(1);
  }
  printf("%f\n", megabytes / (now() - start));
}

static int compare(const void *a, const void *b) {
  return *(double *)a < *(double *)b ? -1 : 1;
}

static void trips(int count) {
  double *times = malloc(count * sizeof *times);
  int s = dial();
  for (int i = 0; i < count; i++) {
    double start = now();
    trip(s);
    times[i] = now() - start;
  }
  qsort(times, count, sizeof *times, compare);
  printf("%f\n", times[count / 2] * 1e6);
}

static void *open_and_close(void *argument) {
  long *count = argument;
  char byte;
  for (; now() < end_time; ++*count) {
    int s = dial();
    trip(s);
    shutdown(s, SHUT_WR);
    if (read(s, &byte, 1) != 0) fail("end");
    close(s);
  }
  return 0;
}

static void open_many(double seconds) {
  pthread_t threads[CLIENTS];
  long counts[CLIENTS] = {0}, all = 0;
  double start = now();
  end_time = start + seconds;
  for (int i = 0; i < CLIENTS; i++) pthread_create(&threads[i], 0, open_and_close, &counts[i]);
  for (int i = 0; i < CLIENTS; i++) {
    pthread_join(threads[i], 0);
    all += counts[i];
  }
  printf("%f\n", all / (now() - start));
}

static void hold(int count) {
  char byte;
  for (int i = 0; i < count; i++) trip(dial());
  puts("held");
  fflush(stdout);
  while (read(0, &byte, 1) > 0) {}
}

int main(int count, char **words) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  if (count < 3) return 2;
  const char *mode = words[1], *number = count > 3 ? words[3] : "0";
  port = atoi(words[2]);
  if (!strcmp(mode, "serve")) serve();
  else if (!strcmp(mode, "get")) get(atoi(number));
  else if (!strcmp(mode, "trip")) trips(atoi(number));
  else if (!strcmp(mode, "open")) open_many(atof(number));
  else if (!strcmp(mode, "hold")) hold(atoi(number));
  else return 2;
  return 0;
}
