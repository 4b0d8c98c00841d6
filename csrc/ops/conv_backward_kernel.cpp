// conv_backward_kernel: the gradients of a convolution by its kernel and its bias.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/thread_pool.h"
#include "ops/checks.h"
#include "ops/conv_paths.h"

namespace fastnn {
namespace {

enum { Dw, Db, X, Dy, Scratch };

struct KernelAttributes {
  ConvAttributes conv;
  int64_t window[kMaxSpatial + 1];
  int64_t want_db, algorithm;
};

ConvShape shape_of(const Call& call) {
  const auto& attributes = call.attributes.as<KernelAttributes>();
  const Array &x = call.operand(X), &dy = call.operand(Dy);
  const int spatial = x.rank - 2;
  if (attributes.window[0] != spatial)
    fail(ErrorKind::value, call,
         "window has " + std::to_string(attributes.window[0]) + " values, expected " +
             std::to_string(spatial) + ", one a spatial axis of x");
  int64_t w[kMaxSpatial + 2];
  std::copy(attributes.window + 1, attributes.window + 1 + spatial, w);
  w[spatial] = x.shape[spatial + 1] / std::max<int64_t>(attributes.conv.groups, 1);
  w[spatial + 1] = dy.shape[spatial + 1];
  ConvShape shape = conv_shape(call, x.dtype, spatial, x.shape, w);
  shape.algorithm = attributes.algorithm;
  return shape;
}

KernelGradient gradient_of(const Call& call) {
  KernelGradient gradient;
  gradient.shape = shape_of(call);
  gradient.x = call.operand(X).data;
  gradient.dy = call.operand(Dy).data;
  gradient.dw = call.operand(Dw).data;
  if (call.has(Db)) gradient.db = call.operand(Db).data;
  return gradient;
}

void infer(Call& call) {
  const auto& attributes = call.attributes.as<KernelAttributes>();
  check_float(call, X);
  check_same_dtype(call, X, Dy);
  const int spatial = spatial_rank(call, X), rank = spatial + 2;
  check_rank(call, Dy, rank);
  const ConvShape s = shape_of(call);
  int64_t y[kMaxSpatial + 2], w[kMaxSpatial + 2];
  y[0] = s.images;
  for (int i = 0; i < spatial; ++i) {
    y[i + 1] = s.windows.out[i + kMaxSpatial - spatial];
    w[i] = s.windows.size[i + kMaxSpatial - spatial];
  }
  y[rank - 1] = w[rank - 1] = s.filters;
  w[rank - 2] = s.group_channels();
  const Array& dy = call.operand(Dy);
  if (!std::equal(y, y + rank, dy.shape))
    fail(ErrorKind::value, call,
         "dy has shape " + shape_text(dy) + ", expected " + shape_text(rank, y) +
             ", the result of the convolution of x with shape " + shape_text(call.operand(X)));
  check_extents(call, rank, w);
  const DType dtype = call.operand(X).dtype;
  call.resize(Db, attributes.want_db ? 1 : 0);
  call.set_output(Dw, dtype, rank, w);
  if (attributes.want_db) call.set_output(Db, dtype, 1, &s.filters);
  check_kernel_gradient_algorithm(call, s);
  call.set_scratch(
      Scratch, s.empty() ? 0 : kernel_gradient_path(s).bytes(gradient_of(call), thread_count()));
}

Status run(const Call& call) {
  const KernelGradient gradient = gradient_of(call);
  if (gradient.shape.empty()) {
    const Array& dw = call.operand(Dw);
    std::memset(dw.data, 0, static_cast<size_t>(dw.bytes()));
    if (call.has(Db)) std::memset(gradient.db, 0, static_cast<size_t>(call.operand(Db).bytes()));
    return {};
  }
  const Array& scratch = call.operand(Scratch);
  kernel_gradient_path(gradient.shape).run(gradient, thread_count(), scratch.data, scratch.size());
  return {};
}

}  // namespace

void register_conv_backward_kernel() {
  Primitive primitive;
  primitive.name = "conv_backward_kernel";
  primitive.operands = {{"dw", Role::out},
                        {"db", Role::out, true},
                        {"x", Role::in},
                        {"dy", Role::in},
                        {"scratch", Role::scratch}};
  primitive.attributes = conv_attributes();
  primitive.attributes.push_back(spatial_attribute("window", offsetof(KernelAttributes, window)));
  primitive.attributes.push_back(
      {"want_db", AttributeKind::boolean, offsetof(KernelAttributes, want_db), 1});
  primitive.attributes.push_back({"algorithm", AttributeKind::code,
                                  offsetof(KernelAttributes, algorithm), 0,
                                  kernel_gradient_algorithms});
  primitive.infer = infer;
  primitive.native = run;
  primitive.cost = [](const Call& call) { return shape_of(call).flops(); };
  register_primitive(std::move(primitive));
}

}  // namespace fastnn
