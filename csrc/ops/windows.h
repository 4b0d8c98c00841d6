// Windows that slide over one to three spatial axes of [batch, spatial..., channels]: what pooling,
// convolution and unfolding share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/primitive.h"

namespace fastnn {

constexpr int kMaxSpatial = 3;

// Attributes with `per_axis` integers a spatial axis: int64_t[per_axis * kMaxSpatial + 1].
inline AttributeInfo spatial_attribute(const char* name, size_t offset, int per_axis = 1) {
  return {name,    AttributeKind::integers, static_cast<uint16_t>(offset), 0,
          nullptr, per_axis * kMaxSpatial};
}

// How windows are placed: attributes as they came, their number first. Null or empty: strides and
// dilation of one, no padding. Pads are (before, after) for each axis.
struct Placement {
  const int64_t *strides, *pads, *dilation;
  bool ceil = false;  // a last window may reach beyond the padding, if it starts before its end
};

// The windows of one call. There are always three axes: those that are missing come first, with
// extent 1 everywhere. Element k of window o lies at o * stride - before + k * dilation.
struct Windows {
  int rank;
  int64_t in[kMaxSpatial], out[kMaxSpatial], size[kMaxSpatial];
  int64_t stride[kMaxSpatial], before[kMaxSpatial], after[kMaxSpatial], dilation[kMaxSpatial];

  int64_t elements() const { return size[0] * size[1] * size[2]; }
  int64_t inputs() const { return in[0] * in[1] * in[2]; }
  int64_t outputs() const { return out[0] * out[1] * out[2]; }

  // The elements [first, last) of window o that lie inside the input.
  struct Range {
    int64_t first, last;
  };
  Range inside(int axis, int64_t o) const;

  // There are two axes at most: nothing is read along the first one but what lies there.
  bool is_flat() const { return in[0] == 1 && out[0] == 1 && size[0] == 1 && before[0] == 0; }

  // No window reaches to where the next one starts.
  bool disjoint() const;

  // At most so many windows see one input.
  int64_t overlap() const;
};

// The number of spatial axes of [batch, spatial..., channels], or an Error.
int spatial_rank(const Call& call, int operand);

// An attribute that must have an entry for each spatial axis.
void check_entries(const Call& call, const char* name, const int64_t* values, int rank);

// Windows of `rank` extents `size` over `rank` extents `in`. Throws for sizes, strides or dilations
// below one, negative pads, a window larger than the padded input, and what overflows.
Windows windows_over(const Call& call, int rank, const int64_t* in, const int64_t* size,
                     const Placement& placement);

// Describes an output of `like`'s batch and channels with other spatial extents, three of them.
Array& set_spatial_output(Call& call, int operand, const Array& like, const int64_t* extents);

// The operand has a spatial position for each window.
void check_positions(const Call& call, int operand, const Windows& windows);

}  // namespace fastnn
