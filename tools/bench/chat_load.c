/*
 * People for the chat servers that tools/bench/chat.ts measures: in TypeScript
 * they would read more slowly than the servers write.
 *
 *   chat_load PORT PEOPLE blocks COUNT one says so many lines as fast as the server takes them
 *   chat_load PORT PEOPLE single COUNT the same, with a write for each line
 *   chat_load PORT PEOPLE turns COUNT  all say a line, and the next one when all have heard all
 *   chat_load PORT PEOPLE lines COUNT  one says a line, and the next one when all have heard it
 *
 * Prints how many million lines were delivered in a second, the second time:
 * the first is for a program that is compiled as it runs. All on 127.0.0.1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Lines of 64 bytes; a mark is in the lines that are waited for, and in nothing that a server says. */
enum { LINE = 64, BATCH = 1000, BUFFER = 256 * 1024, MARK = '!' };

static int people, *sockets, epoll;
static long batch = LINE * BATCH;
static char plain[LINE * BATCH], marked[LINE];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void say(int s, const char *data, long length) {
  for (long sent; length > 0; data += sent, length -= sent) {
    if ((sent = write(s, data, length)) <= 0) fail("write");
  }
}

/* Reads what comes until so many marks have come in all. */
static void hear(long marks) {
  static char data[BUFFER];
  struct epoll_event events[256];
  while (marks > 0) {
    int count = epoll_wait(epoll, events, 256, 20000);
    if (count <= 0) fail("nothing comes any more");
    for (int i = 0; i < count; i++) {
      long length = read(events[i].data.fd, data, BUFFER);
      if (length <= 0) fail("read");
      for (char *at = data, *end = data + length; (at = memchr(at, MARK, end - at)); at++) marks--;
    }
  }
}

/* Connects; waits for a server that is about to start. */
static int dial(struct sockaddr_in *address) {
  for (double end = now() + 20; now() < end; usleep(10000)) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s >= 0 && connect(s, (void *)address, sizeof *address) == 0) return s;
    close(s);
  }
  fail("connect");
  return -1;
}

static void join(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  char greeting[1000];
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < people; i++) {
    int one = 1, s = dial(&address);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* Whoever has been greeted is in. */
    if (read(s, greeting, sizeof greeting) <= 0) fail("no greeting");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = s};
    epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event);
    sockets[i] = s;
  }
}

static void *pour(void *count) {
  for (long left = *(long *)count * LINE; left > 0; left -= batch) say(sockets[0], plain, batch);
  say(sockets[0], marked, LINE);
  return 0;
}

/* Returns how many lines were delivered. */
static double talk(const char *kind, long count) {
  long others = people - 1;
  if (!strcmp(kind, "single")) batch = LINE;
  if (!strcmp(kind, "blocks") || !strcmp(kind, "single")) {
    pthread_t talker;
    pthread_create(&talker, 0, pour, &count);
    hear(others);
    pthread_join(talker, 0);
    return (double)others * count;
  }
  int talkers = !strcmp(kind, "turns") ? people : 1;
  for (long i = 0; i < count; i++) {
    for (int talker = 0; talker < talkers; talker++) say(sockets[talker], marked, LINE);
    hear(others * talkers);
  }
  return (double)others * talkers * count;
}

int main(int count, char **words) {
  struct rlimit files;
  if (count != 5) return 2;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int i = 0; i < LINE * BATCH; i++) plain[i] = i % LINE == LINE - 2 ? '\r' : i % LINE == LINE - 1 ? '\n' : 'x';
  memcpy(marked, plain, LINE);
  marked[0] = MARK;
  people = atoi(words[2]) + 1;
  sockets = calloc(people, sizeof *sockets);
  epoll = epoll_create1(0);
  join(atoi(words[1]));
  talk(words[3], atol(words[4]));
  double start = now(), delivered = talk(words[3], atol(words[4]));
  printf("%f\n", delivered / 1e6 / (now() - start));
  return 0;
}
