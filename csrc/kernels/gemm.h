/* The micro-kernel of matrix products: one tile of C, up to gemm_rows x widest, in registers.
 *
 *   sum = the chain a[i, 0] * b[0, j], then fused a[i, p] * b[p, j], for p < depth, from zero
 *   C   = sum                                 first block of k
 *   C   = C + sum                             later blocks
 *   C   = epilogue(the above)                 last block
 *
 * A is read along rows of unit stride, B along columns of unit stride; packed or where they lie.
 * A block of k is one run of both, or several: the pieces of an image that a convolution meets. */
#pragma once

#include <stdint.h>

/* Most rows of a tile, and the widths a tile may have (in vectors: 1, 2, 4, 8), on any target. */
#define FASTNN_GEMM_ROWS 12
#define FASTNN_GEMM_WIDTHS 4

/* sum * alpha, + beta * c0, + bias, + residual, then relu: each step only where it is asked for.
 * Pointers are to element (0, 0) of the whole product. */
struct GemmEpilogue {
  double alpha, beta;
  const void* c0; /* null: beta is 0 */
  int64_t c0_row;
  const void* bias;     /* or null */
  const void* residual; /* or null */
  int64_t residual_row;
  int32_t relu;
  int32_t reserved;
};

/* Steps of k that follow each other in A and B; where they begin, in elements from a and b. */
struct GemmRun {
  int64_t a, b, depth;
};

struct GemmTile {
  const void* a;
  int64_t
      a_step; /* elements from a row of A to the next; from a column, if rows lie side by side */
  const void* b;
  int64_t b_k;                /* elements from a row of B to the next */
  const struct GemmRun* runs; /* one after the other */
  int64_t run_count;
  /* What later tiles need, fetched into the second cache, one line for each step of k: so many
   * lines at `ahead`, then as many that lie ahead_step bytes further on, and so on; with each run
   * anew, as far from `ahead` as the run is from a. */
  const void* ahead;
  int64_t ahead_step, ahead_lines;
  void* packed; /* of a tile that packs: where the rows of B go, one behind the other */
  void* c;
  int64_t c_row;
  int64_t row, column;             /* where the tile lies in C: for the epilogue */
  const struct GemmEpilogue* last; /* null: sums only */
  int32_t columns;                 /* of the last vector */
  int32_t accumulate;              /* 1: C holds the sum of the blocks before */
};

typedef void (*GemmTileKernel)(const struct GemmTile* tile);

/* The epilogue on rows and columns of sums that lie in C. */
typedef void (*GemmFinishKernel)(const struct GemmTile* tile, int64_t rows, int64_t columns);

/* Dot products of `count` rows (b + j * b_row) with a, all of unit stride, into y[j]. */
typedef void (*GemmDotKernel)(const void* a, const void* b, int64_t b_row, int64_t depth,
                              int64_t count, void* y);

struct GemmTiles {
  GemmFinishKernel finish;
  /* [1: rows of A have unit stride, 0: its columns][rows][log2 of the width in vectors]
   * [1: the last vector is not full] */
  GemmTileKernel tile[2][FASTNN_GEMM_ROWS + 1][FASTNN_GEMM_WIDTHS][2];
  /* The same for whole tiles as wide as those with most rows, which also write what they read of B:
   * [1: rows of A have unit stride][rows], from half of most rows on. */
  GemmTileKernel packing_tile[2][FASTNN_GEMM_ROWS + 1];
  int32_t widest[FASTNN_GEMM_ROWS + 1]; /* in vectors, for so many rows */
  int32_t rows;                         /* most rows */
  int32_t lanes;                        /* of a vector */
};

struct GemmKernels {
  struct GemmTiles f32, f64;
  GemmDotKernel dot_f32, dot_f64;
};
