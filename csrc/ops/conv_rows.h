// Convolution as a product whose left operand is an image, read where it lies.
//
// Along a row of results the pixels that one tap meets are equally spaced, so that twelve
// neighbouring results are a tile of a matrix product: its rows begin a pixel apart, and its k runs
// over taps and channels. Taps beside each other are one run. No row of patches is ever formed; an
// image that needs padding is copied band by band, with its zeros.
//
// Method: implicit matrix products, as in S. Chetlur et al., "cuDNN" (2014), and the direct
// convolution of E. Georganas et al., "Anatomy of high-performance deep learning convolutions on
// SIMD architectures" (2018). Sums have the order of a product's (core/summation_order.h), with
// k = (taps in ascending order of the position that they read, channels).
#pragma once

#include "ops/conv.h"

namespace fastnn {

// One axis: result o reads the positions first + o * stride + i * step, i < taps; of the weights it
// meets those at weight + i * weight_step elements.
struct RowsAxis {
  int64_t in, out, stride, taps, first, step, weight_step;
  int64_t y_stride;  // elements of y from a result to the next
};

struct RowsProblem {
  DType dtype = DType::float32;
  int64_t images = 0;
  RowsAxis axis[kMaxSpatial];
  int64_t channels = 0;           // of x, all of them
  int64_t depth = 0;              // channels that are read, from x on
  int64_t columns = 0;            // results a pixel
  const char* x = nullptr;        // at the first channel that is read
  const char* w = nullptr;        // at the weight of the first taps
  int64_t w_k = 0, w_column = 0;  // elements to the next channel's weight, and to the next column's
  const char* prepared = nullptr;  // the weights, packed; or null
  char* y = nullptr;
  int64_t y_image = 0;

  const char* bias = nullptr;      // [columns]
  const char* residual = nullptr;  // as y, whose pixels lie side by side
  bool relu = false;
};

int64_t rows_bytes(const RowsProblem& problem, int64_t threads);
void run_rows(const RowsProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// One group of a convolution.
RowsProblem conv_rows_group(const ConvProblem& problem, int64_t group);

// As a way through a whole convolution, group by group.
int64_t conv_rows_bytes(const ConvProblem& problem, int64_t threads);
void run_conv_rows(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
int64_t conv_rows_prepared_bytes(const ConvProblem& problem);
void prepare_conv_rows(const ConvProblem& problem, char* to);

}  // namespace fastnn
