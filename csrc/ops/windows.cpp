#include "ops/windows.h"

#include <cstring>
#include <numeric>
#include <string>

#include "ops/checks.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;  // sums and products of two stay far from overflow

void check_count(const Call& call, const char* name, const int64_t* values, int64_t expected,
                 const char* each) {
  if (values && values[0] != 0 && values[0] != expected)
    fail(ErrorKind::value, call,
         std::string(name) + " has " + std::to_string(values[0]) + " values, expected " +
             std::to_string(expected) + ", " + each + " a spatial axis");
}

void check_each(const Call& call, const char* name, int count, const int64_t* values, int64_t least,
                int64_t most = kMost) {
  for (int i = 0; i < count; ++i)
    if (values[i] < least || values[i] > most)
      fail(ErrorKind::value, call,
           std::string(name) + " is " + shape_text(count, values) + ", expected integers of " +
               std::to_string(least) + " or more" +
               (values[i] > most ? " and at most " + std::to_string(most) : ""));
}

}  // namespace

Windows::Range Windows::inside(int axis, int64_t o) const {
  const int64_t start = o * stride[axis] - before[axis], d = dilation[axis];
  const int64_t first = start < 0 ? ceil_div(-start, d) : 0;
  const int64_t last = start < in[axis] ? ceil_div(in[axis] - start, d) : 0;
  return {first, last < size[axis] ? (last > first ? last : first) : size[axis]};
}

bool Windows::disjoint() const {
  for (int axis = 0; axis < kMaxSpatial; ++axis)
    if (size[axis] > stride[axis] || dilation[axis] != 1) return false;
  return true;
}

int64_t Windows::overlap() const {
  int64_t product = 1;
  for (int axis = 0; axis < kMaxSpatial; ++axis)
    product *= ceil_div(size[axis], stride[axis] / std::gcd(stride[axis], dilation[axis]));
  return product;
}

int spatial_rank(const Call& call, int operand) {
  const Array& array = call.operand(operand);
  if (array.rank < 3 || array.rank > kMaxSpatial + 2)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(array) +
             ", expected (batch, spatial axes, channels) with one to three spatial axes");
  return array.rank - 2;
}

void check_entries(const Call& call, const char* name, const int64_t* values, int rank) {
  if (values[0] == 0) fail(ErrorKind::value, call, std::string(name) + " is missing");
  check_count(call, name, values, rank, "one");
}

Windows windows_over(const Call& call, int rank, const int64_t* in, const int64_t* size,
                     const Placement& placement) {
  check_count(call, "strides", placement.strides, rank, "one");
  check_count(call, "dilation", placement.dilation, rank, "one");
  check_count(call, "pads", placement.pads, 2 * rank, "(before, after)");
  const auto value = [](const int64_t* values, int i, int64_t absent) {
    return values && values[0] ? values[i + 1] : absent;
  };
  Windows windows;
  windows.rank = rank;
  for (int i = 0; i < kMaxSpatial; ++i) {
    const int axis = i - (kMaxSpatial - rank);
    const bool there = axis >= 0;
    windows.in[i] = there ? in[axis] : 1;
    windows.size[i] = there ? size[axis] : 1;
    windows.stride[i] = there ? value(placement.strides, axis, 1) : 1;
    windows.dilation[i] = there ? value(placement.dilation, axis, 1) : 1;
    windows.before[i] = there ? value(placement.pads, 2 * axis, 0) : 0;
    windows.after[i] = there ? value(placement.pads, 2 * axis + 1, 0) : 0;
  }
  const int skip = kMaxSpatial - rank;
  check_each(call, "the window's size", rank, size, 1);
  check_each(call, "strides", rank, windows.stride + skip, 1);
  check_each(call, "dilation", rank, windows.dilation + skip, 1);
  if (placement.pads && placement.pads[0])
    check_each(call, "pads", 2 * rank, placement.pads + 1, 0);
  check_each(call, "the input's spatial shape", rank, in, 1);
  int64_t padded[kMaxSpatial], reach[kMaxSpatial];
  for (int i = skip; i < kMaxSpatial; ++i) {
    if (__builtin_mul_overflow(windows.size[i] - 1, windows.dilation[i], &reach[i]) ||
        reach[i] > kMost)
      fail(ErrorKind::overflow, call,
           "a window of " + shape_text(rank, size) + " with dilation " +
               shape_text(rank, windows.dilation + skip) + " is too large");
    ++reach[i];
    padded[i] = windows.before[i] + windows.in[i] + windows.after[i];
  }
  for (int i = 0; i < kMaxSpatial; ++i) {
    if (i < skip) {
      windows.out[i] = 1;
      continue;
    }
    const int64_t room = padded[i] - reach[i], step = windows.stride[i];
    if (room < 0)
      fail(ErrorKind::value, call,
           "a window covers " + shape_text(rank, reach + skip) + " elements but the input with " +
               "its padding has " + shape_text(rank, padded + skip));
    windows.out[i] = (placement.ceil ? ceil_div(room, step) : room / step) + 1;
    if (placement.ceil && (windows.out[i] - 1) * step >= windows.before[i] + windows.in[i])
      --windows.out[i];
  }
  check_extents(call, kMaxSpatial, windows.size);
  return windows;
}

Array& set_spatial_output(Call& call, int operand, const Array& like, const int64_t* extents) {
  Array shape = like;  // before outputs are described, which may move the operands
  std::memcpy(shape.shape + 1, extents + kMaxSpatial - (like.rank - 2),
              static_cast<size_t>(like.rank - 2) * sizeof(int64_t));
  check_extents(call, shape.rank, shape.shape);
  return call.set_output(operand, shape.dtype, shape.rank, shape.shape);
}

void check_positions(const Call& call, int operand, const Windows& windows) {
  const Array& array = call.operand(operand);
  const int64_t* out = windows.out + kMaxSpatial - windows.rank;
  for (int axis = 0; axis < windows.rank; ++axis)
    if (array.shape[axis + 1] != out[axis])
      fail(ErrorKind::value, call,
           operand_name(call, operand) + " has shape " + shape_text(array) + " but there are " +
               shape_text(windows.rank, out) + " windows");
}

}  // namespace fastnn
