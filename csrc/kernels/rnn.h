/* The gates of recurrent cells: a block of units of one step, for some rows of the batch.
 *
 * What each cell computes stands in fastnn/backends/reference/recurrent.py. Cells are numbered as
 * in ops/rnn.h, activations as here; stages of a step are numbered from 0. */
#pragma once

#include <stdint.h>

/* Units of a block where a cell has several gates, whose sums lie side by side; with one gate a
 * block may have any number. */
#define FASTNN_RNN_UNITS 16

#define FASTNN_RNN_CELLS 5
#define FASTNN_RNN_STAGES 2

enum RnnActivation { kRnnLinear, kRnnRelu, kRnnSigmoid, kRnnTanh };

/* What becomes of a row: the step counts, or is passed over; then the output is that of the step
 * before, or zero. */
enum RnnCode { kRnnZero, kRnnRepeat, kRnnCounts };

struct RnnBlock {
  int64_t rows, units;
  /* Strides in elements from a row to the next; and from a gate to the next, of `gates` and of what
   * is told by gate (bias, peephole). Rows may also be blocks of units of one row. */
  int64_t inputs_row, sums_row, gates_row, state_row, y_row, codes_row, told_row, gate;
  const void* inputs; /* x @ w, gates FASTNN_RNN_UNITS apart */
  const void* sums;   /* the products of this stage, likewise */
  void* gates;        /* what the gates are */
  const void *h, *c;
  void *h_after, *c_after;
  void* y;                                      /* or null */
  const unsigned char* codes;                   /* an RnnCode a row; null: all count */
  const void *bias, *recurrent_bias, *peephole; /* or null */
  int32_t activation, recurrent_activation;
};

struct RnnBlockGradient {
  int64_t rows, units;
  int64_t gates_row, dgates_row, state_row, dy_row, gate; /* dh, dc and dq have rows of state_row */
  const void* gates;
  void* dgates;
  const void *h, *c, *c_after;
  const void* dy; /* or null */
  void* dh;       /* by h afterwards; then what reaches h before past the products */
  void* dc;
  const void* dq; /* a product of the stage after this one */
  const unsigned char* codes;
  const void* peephole;
  int32_t activation, recurrent_activation;
};

typedef void (*RnnForward)(const struct RnnBlock* block);
typedef void (*RnnBackward)(const struct RnnBlockGradient* block);

struct RnnKernels {
  /* [cell][stage][dtype] */
  RnnForward forward[FASTNN_RNN_CELLS][FASTNN_RNN_STAGES][2];
  RnnBackward backward[FASTNN_RNN_CELLS][FASTNN_RNN_STAGES][2];
};
