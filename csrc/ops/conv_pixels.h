// The gradient of a convolution by its kernel: a product whose k runs over pixels.
//
//   dw[t, c, f] = sum of x[o * stride - before + t * dilation, c] dy[o, f] over images and pixels o
//   db[f] = sum of dy[o, f]
//
// For one tap, channels are the rows of a tile and a pixel is a step of k, in x and in dy: both are
// read where they lie, and pixels that would read padding are left out. Sums have the order of a
// product's (core/summation_order.h), with k = the pixels of dy.
#pragma once

#include "ops/conv.h"

namespace fastnn {

struct KernelGradient {
  ConvShape shape;
  const char* x = nullptr;
  const char* dy = nullptr;
  char* dw = nullptr;
  char* db = nullptr;  // or null
};

int64_t conv_pixels_bytes(const KernelGradient& gradient, int64_t threads);
void run_conv_pixels(const KernelGradient& gradient, int64_t threads, char* scratch,
                     int64_t scratch_bytes);

// db alone, if it is asked for: what other ways to dw leave over.
int64_t conv_bias_bytes(const KernelGradient& gradient, int64_t threads);
void run_conv_bias(const KernelGradient& gradient, int64_t threads, char* scratch,
                   int64_t scratch_bytes);

}  // namespace fastnn
