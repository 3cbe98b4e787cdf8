// Holds every packet that is routed into a TUN device for a fixed time, then hands it back to the kernel, in order. It stands in for
// the distance of an origin where the kernel has no netem.
//
//     delay-line DEVICE ONE_WAY_MS
//
// Makes DEVICE in the network namespace it runs in and prints one line of JSON when it is there. SIGTERM ends it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PLACES = 16384, LONGEST = 2048 };

struct held {
  int64_t due_ns;
  ssize_t length;
  char bytes[LONGEST];
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int count, char **args) {
  if (count != 3) return fprintf(stderr, "usage: delay-line DEVICE ONE_WAY_MS\n"), 2;
  const int64_t hold_ns = (int64_t)(atof(args[2]) * 1e6);
  struct held *line = calloc(PLACES, sizeof *line);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (!line || device < 0) return perror("/dev/net/tun"), 1;
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, args[1], IFNAMSIZ - 1);
  if (ioctl(device, TUNSETIFF, &request) < 0) return perror("TUNSETIFF"), 1;
  // The delay must not depend on how busy the machine is.
  struct sched_param soon = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &soon);
  printf("{\"ready\":true}\n");
  fflush(stdout);

  uint64_t first = 0, next = 0;
  for (;;) {
    const int64_t now = now_ns();
    for (; first != next && line[first % PLACES].due_ns <= now; first++) {
      struct held *packet = &line[first % PLACES];
      if (write(device, packet->bytes, (size_t)packet->length) < 0) continue; // lost, as packets are
    }
    while (next - first < PLACES) {
      struct held *packet = &line[next % PLACES];
      packet->length = read(device, packet->bytes, LONGEST);
      if (packet->length <= 0) break;
      packet->due_ns = now_ns() + hold_ns;
      next++;
    }
    struct timespec pause = {.tv_sec = 1};
    if (first != next) {
      const int64_t left = line[first % PLACES].due_ns - now_ns();
      pause = (struct timespec){.tv_nsec = left > 0 ? (long)(left % 1000000000) : 0};
    }
    struct pollfd ready = {.fd = device, .events = POLLIN};
    ppoll(&ready, 1, &pause, NULL);
  }
}
