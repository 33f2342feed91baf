// The peer of Tests/ZeroMQTests/ExchangeBench.swift: the same exchange with libzmq's C interface alone. Two threads
// with a context each, DEALER to DEALER over tcp on loopback, chunks of 1 MiB without a copy.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define CHUNK (1 << 20)

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void keep(void *data, void *hint) { (void)data, (void)hint; }

static void send_half(void *socket, char *memory, size_t bytes) {
  for (size_t start = 0; start < bytes; start += CHUNK) {
    zmq_msg_t message;
    size_t count = bytes - start < CHUNK ? bytes - start : CHUNK;
    if (count < 65536) {
      zmq_msg_init_size(&message, count);
      memcpy(zmq_msg_data(&message), memory + start, count);
    } else {
      zmq_msg_init_data(&message, memory + start, count, keep, NULL);
    }
    zmq_msg_send(&message, socket, 0);
  }
}

static void receive_half(void *socket, size_t bytes) {
  size_t received = 0;
  while (received < bytes) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_msg_recv(&message, socket, 0);
    received += zmq_msg_size(&message);
    zmq_msg_close(&message);
  }
}

static const double sizes[] = {0.1, 1, 10, 100};
static const int rounds[] = {100, 100, 100, 20};
static char endpoint[256];

static void *other(void *unused) {
  (void)unused;
  void *context = zmq_ctx_new();
  void *socket = zmq_socket(context, ZMQ_DEALER);
  zmq_connect(socket, endpoint);
  for (int i = 0; i < 2000; i++) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_msg_recv(&message, socket, 0);
    zmq_msg_send(&message, socket, 0);
  }
  char *memory = malloc(50000000);
  memset(memory, 1, 50000000);
  for (int s = 0; s < 4; s++)
    for (int r = 0; r < rounds[s]; r++) {
      size_t bytes = (size_t)(sizes[s] * 1e6) / 2;
      send_half(socket, memory, bytes);
      receive_half(socket, bytes);
    }
  zmq_close(socket);
  zmq_ctx_term(context);
  free(memory);
  return NULL;
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

int main(void) {
  void *context = zmq_ctx_new();
  void *socket = zmq_socket(context, ZMQ_DEALER);
  zmq_bind(socket, "tcp://127.0.0.1:*");
  size_t length = sizeof endpoint;
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length);
  pthread_t thread;
  pthread_create(&thread, NULL, other, NULL);
  static double times[2000];
  for (int i = 0; i < 2000; i++) {
    char buffer[64] = {0};
    double start = seconds();
    zmq_send(socket, buffer, 64, 0);
    zmq_recv(socket, buffer, 64, 0);
    times[i] = seconds() - start;
  }
  qsort(times, 2000, sizeof *times, compare);
  printf("BENCH C: round trip of 64 bytes, thread to thread: %.0f us\n", times[1000] * 1e6);
  char *memory = malloc(50000000);
  memset(memory, 1, 50000000);
  for (int s = 0; s < 4; s++) {
    for (int r = 0; r < rounds[s]; r++) {
      size_t bytes = (size_t)(sizes[s] * 1e6) / 2;
      double start = seconds();
      send_half(socket, memory, bytes);
      receive_half(socket, bytes);
      times[r] = seconds() - start;
    }
    qsort(times, rounds[s], sizeof *times, compare);
    printf("BENCH C: exchange of halves of %g MB: %.2f ms\n", sizes[s], times[rounds[s] / 2] * 1e3);
  }
  pthread_join(thread, NULL);
  zmq_close(socket);
  zmq_ctx_term(context);
  free(memory);
  return 0;
}
