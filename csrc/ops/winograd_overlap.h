// The gradient of a convolution by its input, by Winograd's method F(4x4, 3x3) transposed: tiles of
// dy are transformed, multiplied frequency by frequency, and transformed to what each adds to dx.
//
// Where images are small, dy has far fewer tiles than dx (11 x 11: 9 and 16).
#pragma once

#include "ops/conv_fold.h"

namespace fastnn {

bool overlaps(const ConvShape& shape);
int64_t winograd_overlap_bytes(const InputGradient& gradient, int64_t threads);
void run_winograd_overlap(const InputGradient& gradient, int64_t threads, char* scratch,
                          int64_t bytes);

}  // namespace fastnn
