// Convolution over one to three spatial axes, channels last: the extents of a call, and the ways
// through it.
#pragma once

#include "core/primitive.h"
#include "ops/windows.h"

namespace fastnn {

// x is [images, spatial..., channels], w [window..., channels / groups, filters].
struct ConvShape {
  DType dtype = DType::float32;
  Windows windows;
  int64_t images = 0, channels = 0, filters = 0, groups = 1;
  int64_t algorithm = 0;  // ops/conv_paths.h

  int64_t group_channels() const { return channels / groups; }
  int64_t group_filters() const { return filters / groups; }
  int64_t weights() const { return windows.elements() * group_channels() * filters; }
  bool empty() const { return images * windows.outputs() * filters == 0; }
  double flops() const {
    return 2.0 * static_cast<double>(images * windows.outputs()) * static_cast<double>(weights());
  }
};

// One convolution for drivers.
struct ConvProblem {
  ConvShape shape;
  const char* x = nullptr;
  const char* w = nullptr;
  const char* prepared = nullptr;  // what conv_prepare wrote; null: w as it lies
  char* y = nullptr;
  const char* bias = nullptr;      // [filters]
  const char* residual = nullptr;  // as y
  bool relu = false;
  // The kernel is that of the convolution whose gradient this is: taps in reverse, and the channels
  // that are read here are its last axis.
  bool mirrored = false;
};

int64_t conv_bytes(const ConvProblem& problem, int64_t threads);
void run_conv(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// The weights as this convolution's way reads them; 0 bytes: as they lie.
int64_t conv_prepared_bytes(const ConvProblem& problem);
void conv_prepare(const ConvProblem& problem, char* to);

// Attributes that every convolution begins with.
struct ConvAttributes {
  int64_t strides[kMaxSpatial + 1], pads[2 * kMaxSpatial + 1], dilation[kMaxSpatial + 1], groups;
};
std::vector<AttributeInfo> conv_attributes();

// The shape of a call, checked. One of x and y is an operand whose `extents` are
// (images, spatial..., channels); `window` has the extents of w: (window..., channels / groups,
// filters).
ConvShape conv_shape(const Call& call, DType dtype, int rank, const int64_t* x_extents,
                     const int64_t* w_extents);

void register_conv_backward_input();
void register_conv_backward_kernel();

}  // namespace fastnn
