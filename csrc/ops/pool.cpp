#include "ops/pool.h"

#include <numeric>
#include <string>

#include "ops/checks.h"

namespace fastnn {
namespace {

struct Tables {
  PoolSpan* spans;
  double* numbers;
  Tables(char* scratch, int64_t spans)
      : spans(reinterpret_cast<PoolSpan*>(scratch)),
        numbers(reinterpret_cast<double*>(this->spans + spans)) {}
};

double cells_of(const Windows& windows, int axis, int64_t o, bool include_pad) {
  const Windows::Range inside = windows.inside(axis, o);
  if (!include_pad) return static_cast<double>(inside.last - inside.first);
  const int64_t start = o * windows.stride[axis] - windows.before[axis];
  const int64_t end = start + windows.size[axis], limit = windows.in[axis] + windows.after[axis];
  return static_cast<double>((end < limit ? end : limit) - start);
}

}  // namespace

Windows pooling_windows(const Call& call, int rank, const int64_t* in, const int64_t* size,
                        const Placement& placement) {
  const Windows windows = windows_over(call, rank, in, size, placement);
  for (int i = kMaxSpatial - rank; i < kMaxSpatial; ++i) {
    const int64_t covered = (windows.size[i] - 1) * windows.dilation[i] + 1;
    if (windows.before[i] >= covered || windows.after[i] >= covered)
      fail(ErrorKind::value, call,
           "pads are " + std::to_string(windows.before[i]) + " and " +
               std::to_string(windows.after[i]) + " along spatial axis " +
               std::to_string(i - kMaxSpatial + rank) + ", expected less than the " +
               std::to_string(covered) + " elements that a window covers");
  }
  return windows;
}

int64_t pool_scratch(const Windows& windows) {
  int64_t bytes = 0;
  for (int axis = 0; axis < kMaxSpatial; ++axis) {
    const int64_t in = windows.in[axis], out = windows.out[axis];
    bytes += (in > out ? in : out) * static_cast<int64_t>(sizeof(PoolSpan)) +
             out * static_cast<int64_t>(sizeof(double));
  }
  return bytes;
}

Pool forward_pool(const Windows& windows, int64_t channels, bool include_pad, char* scratch) {
  Pool pool;
  pool.channels = channels;
  PoolSpan* span = reinterpret_cast<PoolSpan*>(scratch);
  for (int axis = 0; axis < kMaxSpatial; ++axis) {
    const int64_t step = windows.dilation[axis];
    pool.axis[axis] = {span, windows.out[axis], windows.in[axis], windows.size[axis], step, 1};
    for (int64_t o = 0; o < windows.out[axis]; ++o, ++span) {
      const Windows::Range inside = windows.inside(axis, o);
      const int64_t start = o * windows.stride[axis] - windows.before[axis];
      *span = {start + inside.first * step, inside.last - inside.first, inside.first,
               cells_of(windows, axis, o, include_pad), nullptr};
    }
  }
  return pool;
}

Pool backward_pool(const Windows& windows, int64_t channels, bool include_pad, char* scratch) {
  Pool pool;
  pool.channels = channels;
  Tables tables(scratch, windows.in[0] + windows.in[1] + windows.in[2]);
  for (int axis = 0; axis < kMaxSpatial; ++axis) {
    const int64_t stride = windows.stride[axis], dilation = windows.dilation[axis];
    const int64_t out = windows.out[axis], common = std::gcd(stride, dilation);
    const int64_t step = dilation / common, tap_step = stride / common;
    pool.axis[axis] = {tables.spans, windows.in[axis], out, windows.size[axis], step, -tap_step};
    for (int64_t o = 0; o < out; ++o)
      tables.numbers[o] = 1 / cells_of(windows, axis, o, include_pad);
    for (int64_t i = 0; i < windows.in[axis]; ++i, ++tables.spans) {
      // Windows o whose element k this is: o * stride + k * dilation = place, k < size.
      const int64_t place = i + windows.before[axis];
      const int64_t beyond = place - (windows.size[axis] - 1) * dilation;
      int64_t o = beyond > 0 ? ceil_div(beyond, stride) : 0;
      while (o < out && o * stride <= place && (place - o * stride) % dilation != 0) ++o;
      PoolSpan& span = *tables.spans;
      span = {o, 0, 0, 1, tables.numbers + o};
      if (o >= out || o * stride > place) continue;
      span.tap = (place - o * stride) / dilation;
      const int64_t left = (out - 1 - o) / step, elements = span.tap / tap_step;
      span.count = 1 + (left < elements ? left : elements);
    }
    tables.numbers += out;
  }
  return pool;
}

}  // namespace fastnn
