/* Connectionist temporal classification of one example. Indexed by DType: float, double. */
#pragma once

#include <stdint.h>

/* logits: [time, classes]. labels: `count` of them, in [0, classes) and not `blank`.
 * dx: [frames, classes] with frames >= time; rows beyond time become zero.
 * scratch: ctc_scratch(time, count) elements. */
struct CtcExample {
  const void* logits;
  const int64_t* labels;
  int64_t frames, time, classes, count, blank;
  int zero_infinity;
  void *loss, *dx, *scratch;
};

typedef void (*CtcLoss)(const struct CtcExample* example);

struct CtcKernels {
  CtcLoss loss[2];
};

/* An array of numbers a label or a blank, in whole registers of up to 16 lanes, and a margin of 8
 * elements before and behind it, which shifted loads reach into. */
#define FASTNN_CTC_MARGIN 8
static inline int64_t ctc_width(int64_t count) { return (count + 16) / 16 * 16; }
static inline int64_t ctc_row(int64_t count) { return ctc_width(count) + 2 * FASTNN_CTC_MARGIN; }

/* For every frame: forward variables (4 arrays) and what it gives the labels (2) and the blank (2
 * numbers), and the sum of its exponentials; and once: the start, two rows of backward variables,
 * four arrays. */
static inline int64_t ctc_scratch(int64_t time, int64_t count) {
  return ctc_row(count) * (6 * time + 16) + 3 * time;
}
