// max_pool and max_pool_backward.
//
// The gradient goes to the element that a window's result came from, kept as one byte: its number
// within the window. Windows of more than 255 elements keep nothing and are searched again. Where x
// was made by relu, the gradient can pass that on the way, if a byte is kept: it goes nowhere from
// a result of 0.
#include <cstring>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/pool.h"

namespace fastnn {
namespace {

constexpr int64_t kMostKept = 255;

namespace forward {
enum { Y, Which, X, Scratch };

struct Attributes {
  int64_t window[kMaxSpatial + 1], strides[kMaxSpatial + 1], pads[2 * kMaxSpatial + 1];
  int64_t dilation[kMaxSpatial + 1], ceil, want_which, through_relu;
};

Windows windows_of(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const int rank = spatial_rank(call, X);
  check_entries(call, "window", a.window, rank);
  return pooling_windows(call, rank, call.operand(X).shape + 1, a.window + 1,
                         {a.strides, a.pads, a.dilation, a.ceil != 0});
}

void infer(Call& call) {
  check_float(call, X);
  const Windows windows = windows_of(call);
  const Array x = call.operand(X);
  const bool kept = call.attributes.as<Attributes>().want_which && windows.elements() <= kMostKept;
  call.resize(Which, kept ? 1 : 0);
  set_spatial_output(call, Y, x, windows.out);
  if (kept) set_spatial_output(call, Which, x, windows.out).dtype = DType::uint8;
  call.set_scratch(Scratch, pool_scratch(windows));
}

Status run(const Call& call) {
  const Array &x = call.operand(X), &y = call.operand(Y);
  const Windows windows = windows_of(call);
  const Pool pool = forward_pool(windows, x.shape[x.rank - 1], false, call.operand(Scratch).data);
  uint8_t* which = call.has(Which) ? call.operand(Which).as<uint8_t>() : nullptr;
  const PoolMax kernel = kernels().pool.max[static_cast<int>(x.dtype)];
  const bool through_relu = call.attributes.as<Attributes>().through_relu != 0;
  for_pool_rows(pool, x.shape[0], windows.elements(), [&](int64_t row, int64_t rows) {
    kernel(&pool, x.data, row, rows, y.data, which, through_relu);
  });
  return {};
}

double cost(const Call& call) {
  return static_cast<double>(call.operand(Y).size()) *
         static_cast<double>(windows_of(call).elements());
}
}  // namespace forward

namespace backward {
enum { Dx, Dy, Which, X, Scratch };

struct Attributes {
  int64_t extents[kMaxSpatial + 1], window[kMaxSpatial + 1], strides[kMaxSpatial + 1];
  int64_t pads[2 * kMaxSpatial + 1], dilation[kMaxSpatial + 1], ceil;
};

Windows windows_of(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const int rank = spatial_rank(call, Dy);
  check_entries(call, "extents", a.extents, rank);
  check_entries(call, "window", a.window, rank);
  return pooling_windows(call, rank, a.extents + 1, a.window + 1,
                         {a.strides, a.pads, a.dilation, a.ceil != 0});
}

void infer(Call& call) {
  check_float(call, Dy);
  const Windows windows = windows_of(call);
  const Array dy = call.operand(Dy);
  check_positions(call, Dy, windows);
  set_spatial_output(call, Dx, dy, windows.in);
  if (call.has(Which)) {
    check_dtypes(call, Which, {DType::uint8});
    check_same_shape(call, Dy, Which);
  } else if (!call.has(X)) {
    fail(ErrorKind::value, call, "which or x is needed");
  }
  if (call.has(X)) {
    check_same_dtype(call, Dy, X);
    check_same_shape(call, Dx, X);
  }
  call.set_scratch(Scratch, pool_scratch(windows));
}

// Each task owns some channels of one element of the batch.
void search(const Call& call, const Windows& windows) {
  constexpr int64_t kChannels = 16;
  const Array &dy = call.operand(Dy), &x = call.operand(X), &dx = call.operand(Dx);
  const int64_t channels = x.shape[x.rank - 1], item = item_size(x.dtype);
  const Pool pool = forward_pool(windows, channels, false, call.operand(Scratch).data);
  const PoolMaxSearch kernel = kernels().pool.max_search[static_cast<int>(x.dtype)];
  std::memset(dx.data, 0, static_cast<size_t>(dx.bytes()));
  const int64_t chunks = ceil_div(channels, kChannels);
  parallel_for(x.shape[0] * chunks, [&](int64_t task) {
    const int64_t first = task % chunks * kChannels, left = channels - first;
    const int64_t in = task / chunks * windows.inputs() * channels * item;
    const int64_t out = task / chunks * windows.outputs() * channels * item;
    kernel(&pool, dy.data + out, x.data + in, first, left < kChannels ? left : kChannels,
           dx.data + in);
  });
}

Status run(const Call& call) {
  const Array &dy = call.operand(Dy), &dx = call.operand(Dx);
  const Windows windows = windows_of(call);
  if (!call.has(Which)) {
    search(call, windows);
    return {};
  }
  const int64_t channels = dy.shape[dy.rank - 1];
  char* scratch = call.operand(Scratch).data;
  const uint8_t* which = call.operand(Which).as<uint8_t>();
  if (windows.disjoint()) {
    const Pool pool = forward_pool(windows, channels, false, scratch);
    const PoolMaxSpread kernel = kernels().pool.max_spread[static_cast<int>(dy.dtype)];
    for_pool_rows(pool, dy.shape[0], windows.elements(), [&](int64_t row, int64_t rows) {
      kernel(&pool, dy.data, which, row, rows, dx.data);
    });
    return {};
  }
  const Pool pool = backward_pool(windows, channels, false, scratch);
  const PoolMaxBackward kernel = kernels().pool.max_backward[static_cast<int>(dy.dtype)];
  for_pool_rows(pool, dy.shape[0], windows.overlap(), [&](int64_t row, int64_t rows) {
    kernel(&pool, dy.data, which, row, rows, dx.data);
  });
  return {};
}

double cost(const Call& call) {
  return static_cast<double>(call.operand(Dy).size()) *
         static_cast<double>(windows_of(call).elements());
}
}  // namespace backward

}  // namespace

void register_max_pool() {
  register_primitive(
      {"max_pool",
       {{"y", Role::out}, {"which", Role::out, true}, {"x", Role::in}, {"scratch", Role::scratch}},
       {spatial_attribute("window", offsetof(forward::Attributes, window)),
        spatial_attribute("strides", offsetof(forward::Attributes, strides)),
        spatial_attribute("pads", offsetof(forward::Attributes, pads), 2),
        spatial_attribute("dilation", offsetof(forward::Attributes, dilation)),
        {"ceil", AttributeKind::boolean, offsetof(forward::Attributes, ceil)},
        {"want_which", AttributeKind::boolean, offsetof(forward::Attributes, want_which), 1},
        {"through_relu", AttributeKind::boolean, offsetof(forward::Attributes, through_relu)}},
       forward::infer,
       forward::run,
       nullptr,
       forward::cost});
  register_primitive({"max_pool_backward",
                      {{"dx", Role::out},
                       {"dy", Role::in},
                       {"which", Role::in, true},
                       {"x", Role::in, true},
                       {"scratch", Role::scratch}},
                      {spatial_attribute("extents", offsetof(backward::Attributes, extents)),
                       spatial_attribute("window", offsetof(backward::Attributes, window)),
                       spatial_attribute("strides", offsetof(backward::Attributes, strides)),
                       spatial_attribute("pads", offsetof(backward::Attributes, pads), 2),
                       spatial_attribute("dilation", offsetof(backward::Attributes, dilation)),
                       {"ceil", AttributeKind::boolean, offsetof(backward::Attributes, ceil)}},
                      backward::infer,
                      backward::run,
                      nullptr,
                      backward::cost});
}

}  // namespace fastnn
