// average_pool and average_pool_backward: means over windows.
#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/pool.h"

namespace fastnn {
namespace {

namespace forward {
enum { Y, X, Scratch };

struct Attributes {
  int64_t window[kMaxSpatial + 1], strides[kMaxSpatial + 1], pads[2 * kMaxSpatial + 1];
  int64_t count_include_pad, ceil;
};

Windows windows_of(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const int rank = spatial_rank(call, X);
  check_entries(call, "window", a.window, rank);
  return pooling_windows(call, rank, call.operand(X).shape + 1, a.window + 1,
                         {a.strides, a.pads, nullptr, a.ceil != 0});
}

void infer(Call& call) {
  check_float(call, X);
  const Windows windows = windows_of(call);
  const Array x = call.operand(X);
  set_spatial_output(call, Y, x, windows.out);
  call.set_scratch(Scratch, pool_scratch(windows));
}

Status run(const Call& call) {
  const Array &x = call.operand(X), &y = call.operand(Y);
  const Windows windows = windows_of(call);
  const bool include_pad = call.attributes.as<Attributes>().count_include_pad != 0;
  const Pool pool =
      forward_pool(windows, x.shape[x.rank - 1], include_pad, call.operand(Scratch).data);
  const PoolMean kernel = kernels().pool.mean[static_cast<int>(x.dtype)];
  for_pool_rows(pool, x.shape[0], windows.elements(),
                [&](int64_t row, int64_t rows) { kernel(&pool, x.data, row, rows, y.data); });
  return {};
}

double cost(const Call& call) {
  return static_cast<double>(call.operand(Y).size()) *
         static_cast<double>(windows_of(call).elements());
}
}  // namespace forward

namespace backward {
enum { Dx, Dy, Scratch };

struct Attributes {
  int64_t extents[kMaxSpatial + 1], window[kMaxSpatial + 1], strides[kMaxSpatial + 1];
  int64_t pads[2 * kMaxSpatial + 1], count_include_pad, ceil;
};

Windows windows_of(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const int rank = spatial_rank(call, Dy);
  check_entries(call, "extents", a.extents, rank);
  check_entries(call, "window", a.window, rank);
  return pooling_windows(call, rank, a.extents + 1, a.window + 1,
                         {a.strides, a.pads, nullptr, a.ceil != 0});
}

void infer(Call& call) {
  check_float(call, Dy);
  const Windows windows = windows_of(call);
  const Array dy = call.operand(Dy);
  check_positions(call, Dy, windows);
  set_spatial_output(call, Dx, dy, windows.in);
  call.set_scratch(Scratch, pool_scratch(windows));
}

Status run(const Call& call) {
  const Array &dy = call.operand(Dy), &dx = call.operand(Dx);
  const Windows windows = windows_of(call);
  const bool include_pad = call.attributes.as<Attributes>().count_include_pad != 0;
  const Pool pool =
      backward_pool(windows, dy.shape[dy.rank - 1], include_pad, call.operand(Scratch).data);
  const PoolWeighted kernel = kernels().pool.weighted[static_cast<int>(dy.dtype)];
  for_pool_rows(pool, dy.shape[0], windows.overlap(),
                [&](int64_t row, int64_t rows) { kernel(&pool, dy.data, row, rows, dx.data); });
  return {};
}

double cost(const Call& call) {
  return static_cast<double>(call.operand(Dy).size()) *
         static_cast<double>(windows_of(call).elements());
}
}  // namespace backward

}  // namespace

void register_average_pool() {
  register_primitive({"average_pool",
                      {{"y", Role::out}, {"x", Role::in}, {"scratch", Role::scratch}},
                      {spatial_attribute("window", offsetof(forward::Attributes, window)),
                       spatial_attribute("strides", offsetof(forward::Attributes, strides)),
                       spatial_attribute("pads", offsetof(forward::Attributes, pads), 2),
                       {"count_include_pad", AttributeKind::boolean,
                        offsetof(forward::Attributes, count_include_pad)},
                       {"ceil", AttributeKind::boolean, offsetof(forward::Attributes, ceil)}},
                      forward::infer,
                      forward::run,
                      nullptr,
                      forward::cost});
  register_primitive({"average_pool_backward",
                      {{"dx", Role::out}, {"dy", Role::in}, {"scratch", Role::scratch}},
                      {spatial_attribute("extents", offsetof(backward::Attributes, extents)),
                       spatial_attribute("window", offsetof(backward::Attributes, window)),
                       spatial_attribute("strides", offsetof(backward::Attributes, strides)),
                       spatial_attribute("pads", offsetof(backward::Attributes, pads), 2),
                       {"count_include_pad", AttributeKind::boolean,
                        offsetof(backward::Attributes, count_include_pad)},
                       {"ceil", AttributeKind::boolean, offsetof(backward::Attributes, ceil)}},
                      backward::infer,
                      backward::run,
                      nullptr,
                      backward::cost});
}

}  // namespace fastnn
