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

/* Cuts the rows of a matrix, which have unit stride, into slices: matrices of their own.
 *
 *   to[s * slice + i * width + j] = from[i * from_row + starts[s] + j]
 *
 * for s < slices, i < rows, j < starts[s + 1] - starts[s], which is at most `width`.
 *
 * What else lies in those rows, and in as many elements behind a slice as a register has, is not
 * defined. */
struct Slicing {
  const void* from;
  int64_t from_row;
  void* to;
  int64_t slice, width;
  const int64_t* starts;
  int64_t rows, slices;
};

typedef void (*SliceKernel)(const struct Slicing* slicing);

struct PackKernels {
  MatrixPackKernel f32, f64;
  SliceKernel slice_f32, slice_f64;
};
