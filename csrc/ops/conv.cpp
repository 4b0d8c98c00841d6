// conv: y = activation(x * w + bias + residual), the cross-correlation of images with a kernel.
#include "ops/conv.h"

#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "core/thread_pool.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/conv_paths.h"
#include "ops/gemm.h"
#include "ops/strided.h"

namespace fastnn {
namespace {

enum { Y, Z, X, W, Bias, Residual, Scratch };

struct ForwardAttributes {
  ConvAttributes conv;
  int64_t activation;
  double a;
  int64_t want_preactivation, algorithm;
};

ConvShape shape_of(const Call& call) {
  const Array &x = call.operand(X), &w = call.operand(W);
  ConvShape shape = conv_shape(call, x.dtype, x.rank - 2, x.shape, w.shape);
  shape.algorithm = call.attributes.as<ForwardAttributes>().algorithm;
  return shape;
}

bool relu_on_tiles(const Call& call) {
  const auto& attributes = call.attributes.as<ForwardAttributes>();
  return static_cast<UnaryOp>(attributes.activation) == UnaryOp::relu && !call.has(Z);
}

ConvProblem problem_of(const Call& call) {
  ConvProblem problem;
  problem.shape = shape_of(call);
  problem.x = call.operand(X).data;
  problem.w = call.operand(W).data;
  problem.prepared = call.prepared;
  problem.y = call.operand(call.has(Z) ? Z : Y).data;
  if (call.has(Bias)) problem.bias = call.operand(Bias).data;
  if (call.has(Residual)) problem.residual = call.operand(Residual).data;
  problem.relu = relu_on_tiles(call);
  return problem;
}

void check_like(const Call& call, int operand, int rank, const int64_t* shape, const char* what) {
  if (!call.has(operand)) return;
  check_same_dtype(call, X, operand);
  const Array& array = call.operand(operand);
  if (array.rank != rank || !std::equal(shape, shape + rank, array.shape))
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(array) + ", expected " +
             shape_text(rank, shape) + ", " + what);
}

void infer_conv(Call& call) {
  const auto& attributes = call.attributes.as<ForwardAttributes>();
  check_float(call, X);
  check_same_dtype(call, X, W);
  const int spatial = spatial_rank(call, X), rank = spatial + 2;
  check_rank(call, W, rank);
  check_activation(call, attributes.activation);
  const ConvShape shape = shape_of(call);
  check_algorithm(call, shape);
  int64_t extents[kMaxSpatial + 2];
  extents[0] = shape.images;
  for (int i = 0; i < spatial; ++i) extents[i + 1] = shape.windows.out[i + kMaxSpatial - spatial];
  extents[rank - 1] = shape.filters;
  check_extents(call, rank, extents);
  check_like(call, Bias, 1, extents + rank - 1, "one value a filter");
  check_like(call, Residual, rank, extents, "the shape of the result");
  call.resize(Z, attributes.want_preactivation ? 1 : 0);
  const DType dtype = call.operand(X).dtype;
  if (attributes.want_preactivation) call.set_output(Z, dtype, rank, extents);
  call.set_output(Y, dtype, rank, extents);
  call.set_scratch(Scratch, conv_bytes(problem_of(call), thread_count()));
}

Status run(const Call& call) {
  const auto& attributes = call.attributes.as<ForwardAttributes>();
  const Array &y = call.operand(Y), &scratch = call.operand(Scratch);
  const ConvProblem problem = problem_of(call);
  run_conv(problem, thread_count(), scratch.data, scratch.size());
  const auto activation = static_cast<UnaryOp>(attributes.activation);
  if (activation != UnaryOp::linear && !problem.relu) {
    const UnaryKernel kernel =
        kernels().unary.run[attributes.activation][static_cast<int>(y.dtype)];
    const int64_t element = item_size(y.dtype);
    for_each_chunk(y.size(), kCostlyGrain, 64, [&](int64_t begin, int64_t end) {
      kernel(end - begin, problem.y + begin * element, y.data + begin * element, attributes.a, 0);
    });
  } else if (call.has(Z)) {
    std::memcpy(y.data, problem.y, static_cast<size_t>(y.bytes()));
  }
  return {};
}

}  // namespace

std::vector<AttributeInfo> conv_attributes() {
  return {spatial_attribute("strides", offsetof(ConvAttributes, strides)),
          spatial_attribute("pads", offsetof(ConvAttributes, pads), 2),
          spatial_attribute("dilation", offsetof(ConvAttributes, dilation)),
          {"groups", AttributeKind::integer, offsetof(ConvAttributes, groups), 1}};
}

ConvShape conv_shape(const Call& call, DType dtype, int rank, const int64_t* x, const int64_t* w) {
  const auto& attributes = call.attributes.as<ConvAttributes>();
  ConvShape shape;
  shape.dtype = dtype;
  shape.images = x[0];
  shape.channels = x[rank + 1];
  shape.filters = w[rank + 1];
  shape.groups = attributes.groups;
  const auto text = [&](const int64_t* extents) { return shape_text(rank + 2, extents); };
  if (shape.groups < 1 || shape.channels % shape.groups != 0 || shape.filters % shape.groups != 0)
    fail(ErrorKind::value, call,
         "groups is " + std::to_string(shape.groups) + ", expected a divisor of the " +
             std::to_string(shape.channels) + " channels of x and of the " +
             std::to_string(shape.filters) + " filters of w");
  if (shape.channels == 0 || shape.filters == 0)
    fail(ErrorKind::value, call,
         "x has shape " + text(x) + " and w " + text(w) + ", expected channels and filters");
  if (w[rank] != shape.group_channels())
    fail(ErrorKind::value, call,
         "w has shape " + text(w) + " and reads " + std::to_string(w[rank]) +
             " channels, but x with shape " + text(x) + " has " + std::to_string(shape.channels) +
             (shape.groups > 1 ? " in " + std::to_string(shape.groups) + " groups" : ""));
  shape.windows = windows_over(call, rank, x + 1, w,
                               {attributes.strides, attributes.pads, attributes.dilation});
  return shape;
}

void register_conv() {
  Primitive conv;
  conv.name = "conv";
  conv.operands = {{"y", Role::out},          {"z", Role::out, true},
                   {"x", Role::in},           {"w", Role::in},
                   {"bias", Role::in, true},  {"residual", Role::in, true},
                   {"scratch", Role::scratch}};
  conv.attributes = conv_attributes();
  conv.attributes.push_back(
      {"activation", AttributeKind::code, offsetof(ForwardAttributes, activation), 0, unary_codes});
  conv.attributes.push_back({"a", AttributeKind::real, offsetof(ForwardAttributes, a)});
  conv.attributes.push_back({"want_preactivation", AttributeKind::boolean,
                             offsetof(ForwardAttributes, want_preactivation)});
  conv.attributes.push_back({"algorithm", AttributeKind::code,
                             offsetof(ForwardAttributes, algorithm), 0, conv_algorithms});
  conv.infer = infer_conv;
  conv.native = run;
  conv.preparable = W;
  conv.prepared_bytes = [](const Call& call) { return conv_prepared_bytes(problem_of(call)); };
  conv.prepare = [](const Call& call, char* to) { conv_prepare(problem_of(call), to); };
  conv.cost = [](const Call& call) { return shape_of(call).flops(); };
  register_primitive(std::move(conv));
  register_conv_backward_input();
  register_conv_backward_kernel();
}

}  // namespace fastnn
