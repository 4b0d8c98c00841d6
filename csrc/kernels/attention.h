/* Attention between its matrix products: what a block of scores, queries by keys, becomes.
 * Tables are indexed by DType: float, double. */
#pragma once

#include <stdint.h>

/* The scores q k^T of some queries and consecutive keys, and who sees whom. */
struct AttentionBlock {
  void* scores;
  int64_t scores_row; /* elements, as all strides here */
  int64_t rows, keys;
  /* The first query sees so many of the keys, each later one `more_seen` more (causal: 1). */
  int64_t seen, more_seen;
  const uint8_t* mask; /* 0: not seen; or null */
  int64_t mask_row, mask_key;
  const uint8_t* blind; /* [rows] 1: sees no key at all, and weighs all alike; or null */
  const uint8_t* kept;  /* what dropout keeps, rows as far apart as scores; or null */
  double kept_scale;
  double scale; /* of the scores */
};

/* One block of keys: scores become exp(score - largest), `largest` and `sum` are brought up to date
 * and so is y, which holds what the blocks before have given. */
struct AttentionForward {
  struct AttentionBlock block;
  void *largest, *sum; /* [rows] */
  void* y;             /* null: the first block */
  int64_t y_row, y_columns;
};

/* After the last block: y is divided by `sum`; lse = largest + log(sum). */
struct AttentionFinish {
  int64_t rows, columns;
  const void *largest, *sum;
  void *y, *lse;
  int64_t y_row;
};

/* Scores become weights (dropped out), `gradients`, which holds dy v^T, the gradients by q k^T. */
struct AttentionBackward {
  struct AttentionBlock block;
  void* gradients;
  const void *lse, *delta; /* [rows] */
};

/* delta[r] = the dot product of two rows */
struct AttentionDelta {
  int64_t rows, columns;
  const void *dy, *y;
  int64_t dy_row, y_row;
  void* delta;
};

struct AttentionKernels {
  void (*forward[2])(const struct AttentionForward* forward);
  void (*finish[2])(const struct AttentionFinish* finish);
  void (*backward[2])(const struct AttentionBackward* backward);
  void (*delta[2])(const struct AttentionDelta* delta);
};
