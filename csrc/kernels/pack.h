/* Copies a matrix that is read through strides into rows of unit stride.
 *
 *   to[i * to_row + j] = from[i * from_row + j * from_column]   i < rows, j < columns
 *   to[i * to_row + j] = 0                                      columns <= j < padded
 *
 * `padded` is `columns`, or that rounded up to whole vectors.
 */
#pragma once

#include <stdint.h>

struct Packing {
  const void* from;
  int64_t from_row, from_column; /* elements */
  void* to;
  int64_t to_row;
  int64_t rows, columns, padded;
};

typedef void (*MatrixPackKernel)(const struct Packing* packing);

struct PackKernels {
  MatrixPackKernel f32, f64;
};
