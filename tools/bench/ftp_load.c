/*
 * The client of tools/bench/ftpd.ts: one in TypeScript would be slower than the
 * servers it measures. It logs in as anonymous, at 127.0.0.1.
 *
 *   ftp_load get PORT PATH            MB/s of a download
 *   ftp_load put PORT PATH FILE       MB/s of an upload, sent by sendfile
 *   ftp_load login PORT COUNT         milliseconds for so many logins, one after the other
 *   ftp_load session PORT PATH SECONDS  sessions in a second, by eight clients at once: connect,
 *                                     USER, PASS, TYPE, PASV, RETR, QUIT
 *   ftp_load hold PORT COUNT          logs in so many times, prints a line, stays to the end of its input
 *   ftp_load wait PORT PATH           while one session lists PATH, another one asks each millisecond:
 *                                     the median and the longest wait for an answer, in milliseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8, BLOCK = 256 << 10, LINE = 4096, MOST_WAITS = 1 << 20 };

/* A control connection, and what came on it and is not read yet. */
struct control {
  int socket, length;
  char data[LINE + 1];
};

static int port;
static const char *path;
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

static int dial(int to) {
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (s < 0) fail("socket");
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(s, (void *)&address, sizeof address)) fail("connect");
  return s;
}

/* Reads one reply, which must begin with `code`, into `text`; a reply of many lines is not expected. */
static void reply(struct control *c, const char *code, char *text) {
  char *end;
  while (!(end = memchr(c->data, '\n', c->length))) {
    long length = c->length < LINE ? read(c->socket, c->data + c->length, LINE - c->length) : 0;
    if (length <= 0) fail("read");
    c->length += length;
  }
  if (strncmp(c->data, code, strlen(code))) {
    fprintf(stderr, "expected %s, got %.*s", code, (int)(end - c->data) + 1, c->data);
    exit(1);
  }
  *end++ = 0;
  if (text) strcpy(text, c->data);
  c->length -= end - c->data;
  memmove(c->data, end, c->length);
}

static void ask(struct control *c, const char *code, char *text, const char *format, ...) {
  char line[LINE];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line - 2, format, values);
  va_end(values);
  memcpy(line + length, "\r\n", 2);
  if (write(c->socket, line, length + 2) != length + 2) fail("write");
  reply(c, code, text);
}

static void login(struct control *c) {
  c->length = 0;
  c->socket = dial(port);
  reply(c, "220", 0);
  ask(c, "331", 0, "USER anonymous");
  ask(c, "230", 0, "PASS bench@");
}

/* Asks for a data connection and makes it. */
static int passive(struct control *c) {
  char text[LINE];
  int high, low;
  ask(c, "200", 0, "TYPE I");
  ask(c, "227", text, "PASV");
  if (sscanf(strchr(text, '('), "(127,0,0,1,%d,%d)", &high, &low) != 2) fail(text);
  return dial(high * 256 + low);
}

/* Fetches by `verb`; returns how many bytes came. */
static long long fetch(struct control *c, const char *verb) {
  static _Thread_local char block[BLOCK];
  long long all = 0;
  long length;
  int data = passive(c);
  ask(c, "1", 0, "%s %s", verb, path);
  while ((length = read(data, block, BLOCK)) > 0) all += length;
  if (length < 0) fail("read");
  close(data);
  reply(c, "226", 0);
  return all;
}

static void quit(struct control *c) {
  ask(c, "221", 0, "QUIT");
  close(c->socket);
}

static void get(void) {
  struct control c;
  login(&c);
  double start = now();
  long long all = fetch(&c, "RETR");
  printf("%f\n", all / 1e6 / (now() - start));
  quit(&c);
}

static void put(const char *name) {
  struct control c;
  struct stat info;
  int file = open(name, O_RDONLY);
  if (file < 0 || fstat(file, &info)) fail(name);
  login(&c);
  double start = now();
  int data = passive(&c);
  ask(&c, "1", 0, "STOR %s", path);
  for (long long left = info.st_size; left > 0;) {
    long sent = sendfile(data, file, 0, left);
    if (sent <= 0) fail("sendfile");
    left -= sent;
  }
  close(data);
  reply(&c, "226", 0);
  printf("%f\n", info.st_size / 1e6 / (now() - start));
  quit(&c);
}

static struct control *log_in_all(int count) {
  struct control *all = calloc(count, sizeof *all);
  for (int i = 0; i < count; i++) login(&all[i]);
  return all;
}

static void logins(int count) {
  double start = now();
  struct control *all = log_in_all(count);
  printf("%f\n", (now() - start) * 1e3);
  for (int i = 0; i < count; i++) quit(&all[i]);
}

static void hold(int count) {
  char byte;
  log_in_all(count);
  puts("held");
  fflush(stdout);
  while (read(0, &byte, 1) > 0) {}
}

static void *work(void *argument) {
  long *count = argument;
  for (; now() < end_time; ++*count) {
    struct control c;
    login(&c);
    if (fetch(&c, "RETR") != 1024) fail(path);
    quit(&c);
  }
  return 0;
}

static void sessions(double seconds) {
  pthread_t threads[CLIENTS];
  long counts[CLIENTS] = {0}, all = 0;
  double start = now();
  end_time = start + seconds;
  for (int i = 0; i < CLIENTS; i++) pthread_create(&threads[i], 0, work, &counts[i]);
  for (int i = 0; i < CLIENTS; i++) {
    pthread_join(threads[i], 0);
    all += counts[i];
  }
  printf("%f\n", all / (now() - start));
}

static void *list(void *argument) {
  struct control c;
  login(&c);
  fetch(&c, "LIST");
  *(atomic_bool *)argument = 1;
  quit(&c);
  return 0;
}

static int compare(const void *a, const void *b) {
  return *(double *)a < *(double *)b ? -1 : 1;
}

static void waits(void) {
  static double times[MOST_WAITS];
  int count = 0;
  atomic_bool over = 0;
  pthread_t lister;
  struct control c;
  login(&c);
  pthread_create(&lister, 0, list, &over);
  while (!over && count < MOST_WAITS) {
    double start = now();
    ask(&c, "200", 0, "NOOP");
    times[count++] = now() - start;
    usleep(1000);
  }
  pthread_join(lister, 0);
  qsort(times, count, sizeof *times, compare);
  printf("%f %f\n", times[count / 2] * 1e3, times[count - 1] * 1e3);
}

int main(int count, char **words) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (count < 4) return 2;
  const char *mode = words[1], *last = words[count - 1];
  port = atoi(words[2]);
  path = words[3];
  if (!strcmp(mode, "get")) get();
  else if (!strcmp(mode, "put")) put(last);
  else if (!strcmp(mode, "login")) logins(atoi(last));
  else if (!strcmp(mode, "session")) sessions(atof(last));
  else if (!strcmp(mode, "hold")) hold(atoi(last));
  else if (!strcmp(mode, "wait")) waits();
  else return 2;
  return 0;
}
