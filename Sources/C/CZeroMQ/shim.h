#pragma once
#include <pthread.h>
#include <sys/eventfd.h>
#include <zmq.h>

// Swift's Glibc module leaves eventfd out, and this one, which needs _GNU_SOURCE.
extern int pthread_setname_np(pthread_t thread, const char *name);
