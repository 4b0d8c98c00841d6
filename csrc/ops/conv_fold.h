// The gradient of a convolution by images of few channels: a product, then sums of what taps meet.
//
// Vectors along one to four channels would be nearly empty. So the products of all taps with some
// rows of dy are formed first, pixels along the vectors,
//
//   p[t, c, o] = sum of w[t, c, f] dy[o, f] over filters f
//
// and row after row of p is added to the row of dx that its tap meets, where every stride'th
// element lies side by side.
#pragma once

#include "ops/conv.h"

namespace fastnn {

struct InputGradient {
  ConvShape shape;
  const char* dy = nullptr;
  const char* w = nullptr;
  char* dx = nullptr;
};

bool folds(const ConvShape& shape);
int64_t conv_fold_bytes(const InputGradient& gradient, int64_t threads);
void run_conv_fold(const InputGradient& gradient, int64_t threads, char* scratch, int64_t bytes);

}  // namespace fastnn
