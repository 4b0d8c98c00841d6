// conv_backward_input: the gradient of a convolution by its input, which is also the forward
// computation of a transposed convolution.
//
//   dx[i] = sum of dy[o] w[t] over all o, t with o * stride - before + t * dilation = i
//
// With strides of one that is a convolution with the mirrored kernel, or Winograd's method
// transposed. With others the elements of dx that have the same remainder by the strides form one
// convolution each. Few channels are folded.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>

#include "core/thread_pool.h"
#include "ops/checks.h"
#include "ops/conv.h"
#include "ops/conv_depthwise.h"
#include "ops/conv_fold.h"
#include "ops/conv_paths.h"
#include "ops/conv_rows.h"
#include "ops/winograd_overlap.h"

namespace fastnn {
namespace {

enum { Dx, Dy, W, Scratch };

struct InputAttributes {
  ConvAttributes conv;
  int64_t extents[kMaxSpatial + 1];
  int64_t algorithm;
};

ConvShape shape_of(const Call& call) {
  const auto& attributes = call.attributes.as<InputAttributes>();
  const Array &dy = call.operand(Dy), &w = call.operand(W);
  const int spatial = dy.rank - 2;
  if (attributes.extents[0] != spatial)
    fail(ErrorKind::value, call,
         "extents has " + std::to_string(attributes.extents[0]) + " values, expected " +
             std::to_string(spatial) + ", one a spatial axis of dy");
  int64_t x[kMaxSpatial + 2];
  x[0] = dy.shape[0];
  std::copy(attributes.extents + 1, attributes.extents + 1 + spatial, x + 1);
  const int64_t groups = std::max<int64_t>(attributes.conv.groups, 1);
  if (w.shape[spatial] > (int64_t{1} << 40) / groups)
    fail(ErrorKind::overflow, call, "groups is " + std::to_string(groups) + ", too large");
  x[spatial + 1] = w.shape[spatial] * groups;
  return conv_shape(call, dy.dtype, spatial, x, w.shape);
}

// The mirrored convolution, for strides of one.
ConvProblem mirrored(const Call& call, const ConvShape& s) {
  ConvProblem problem;
  problem.shape = s;
  problem.shape.algorithm = call.attributes.as<InputAttributes>().algorithm;
  std::swap(problem.shape.channels, problem.shape.filters);
  Windows& windows = problem.shape.windows;
  for (int i = 0; i < kMaxSpatial; ++i) {
    std::swap(windows.in[i], windows.out[i]);
    windows.before[i] = (windows.size[i] - 1) * windows.dilation[i] - windows.before[i];
    windows.after[i] = (windows.size[i] - 1) * windows.dilation[i] - windows.after[i];
  }
  problem.mirrored = true;
  problem.x = call.operand(Dy).data;
  problem.w = call.operand(W).data;
  problem.y = call.operand(Dx).data;
  return problem;
}

InputGradient gradient_of(const Call& call, const ConvShape& s) {
  return {s, call.operand(Dy).data, call.operand(W).data, call.operand(Dx).data};
}

bool has_strides(const ConvShape& s) {
  return std::any_of(s.windows.stride, s.windows.stride + kMaxSpatial,
                     [](int64_t stride) { return stride != 1; });
}

enum class Way { fold, overlap, mirrored, phases };

// A way through the mirrored convolution can be asked for.
Way way_of(const Call& call, const ConvShape& s) {
  const int64_t algorithm = call.attributes.as<InputAttributes>().algorithm;
  if (algorithm <= kConvExact && !s.empty() && folds(s)) return Way::fold;
  if (algorithm == kConvAuto && !s.empty() && overlaps(s)) return Way::overlap;
  return has_strides(s) ? Way::phases : Way::mirrored;
}

// Taps 0, 1, ... of an axis reach as many different phases; later ones reach those again.
int64_t phases(const Windows& w, int i) {
  return std::min(w.size[i], w.stride[i] / std::gcd(w.stride[i], w.dilation[i]));
}

int64_t phase_of(const Windows& w, int i, int64_t tap) {
  const int64_t rest = (tap * w.dilation[i] - w.before[i]) % w.stride[i];
  return rest < 0 ? rest + w.stride[i] : rest;
}

// The elements of dx at phase + stride * o along one axis, and the taps that reach them: `tap` and
// every so many after it.
struct PhaseAxis {
  RowsAxis axis;
  int64_t last_tap;  // the one that reads the lowest position
};

PhaseAxis phase_axis(const Windows& w, int i, int64_t phase, int64_t tap) {
  const int64_t stride = w.stride[i], dilation = w.dilation[i];
  const int64_t common = std::gcd(stride, dilation), every = stride / common;
  const int64_t taps = (w.size[i] - 1 - tap) / every + 1;
  PhaseAxis result{};
  result.last_tap = tap + (taps - 1) * every;
  result.axis.in = w.out[i];
  result.axis.out = (w.in[i] - phase + stride - 1) / stride;
  result.axis.stride = 1;
  result.axis.taps = taps;
  result.axis.first = (phase + w.before[i] - result.last_tap * dilation) / stride;
  result.axis.step = dilation / common;
  result.axis.weight_step = -every;  // in taps
  return result;
}

// Calls visit(problem) for every phase and group whose elements of dx get anything at all.
template <class Visit>
void for_each_phase(const Call& call, const ConvShape& s, Visit visit) {
  const Windows& w = s.windows;
  const int64_t element = item_size(s.dtype), tap = s.group_channels() * s.filters;
  const int64_t weight_step[] = {w.size[1] * w.size[2] * tap, w.size[2] * tap, tap};
  const int64_t pixel[] = {w.in[1] * w.in[2] * s.channels, w.in[2] * s.channels, s.channels};
  RowsProblem rows;
  rows.dtype = s.dtype;
  rows.images = s.images;
  rows.channels = s.filters;
  rows.depth = s.group_filters();
  rows.columns = s.group_channels();
  rows.w_k = 1;
  rows.w_column = s.filters;
  rows.y_image = w.inputs() * s.channels;
  int64_t first[kMaxSpatial];
  for (first[0] = 0; first[0] < phases(w, 0); ++first[0])
    for (first[1] = 0; first[1] < phases(w, 1); ++first[1])
      for (first[2] = 0; first[2] < phases(w, 2); ++first[2]) {
        int64_t from = 0, to = 0;
        bool met = true;
        for (int i = 0; i < kMaxSpatial; ++i) {
          const int64_t phase = phase_of(w, i, first[i]);
          const PhaseAxis along = phase_axis(w, i, phase, first[i]);
          rows.axis[i] = along.axis;
          rows.axis[i].weight_step *= weight_step[i];
          // With a single result the product may overflow.
          rows.axis[i].y_stride = along.axis.out > 1 ? w.stride[i] * pixel[i] : 0;
          from += along.last_tap * weight_step[i];
          to += phase * pixel[i];
          met = met && phase < w.in[i];
        }
        // Channels that have a filter each go together.
        const int64_t groups = is_depthwise(s) ? 1 : s.groups;
        for (int64_t group = 0; met && group < groups; ++group) {
          const int64_t filter = group * rows.depth;
          rows.x = call.operand(Dy).data + filter * element;
          rows.w = call.operand(W).data + (from + filter) * element;
          rows.y = call.operand(Dx).data + (to + group * rows.columns) * element;
          visit(rows);
        }
      }
}

// Whether some elements of dx are met by no tap.
bool leaves_gaps(const ConvShape& s) {
  const Windows& w = s.windows;
  for (int i = 0; i < kMaxSpatial; ++i) {
    int64_t met = 0;
    for (int64_t tap = 0; tap < phases(w, i); ++tap) met += phase_of(w, i, tap) < w.in[i];
    if (met < std::min(w.stride[i], w.in[i])) return true;
  }
  return false;
}

void infer(Call& call) {
  check_float(call, Dy);
  check_same_dtype(call, Dy, W);
  const int spatial = spatial_rank(call, Dy);
  check_rank(call, W, spatial + 2);
  const ConvShape s = shape_of(call);
  int64_t dy[kMaxSpatial + 2], dx[kMaxSpatial + 2];
  dy[0] = dx[0] = s.images;
  for (int i = 0; i < spatial; ++i) {
    dy[i + 1] = s.windows.out[i + kMaxSpatial - spatial];
    dx[i + 1] = s.windows.in[i + kMaxSpatial - spatial];
  }
  dy[spatial + 1] = s.filters;
  dx[spatial + 1] = s.channels;
  const Array& given = call.operand(Dy);
  if (!std::equal(dy, dy + given.rank, given.shape))
    fail(ErrorKind::value, call,
         "dy has shape " + shape_text(given) + ", expected " + shape_text(given.rank, dy) +
             ", the result of a convolution of " + shape_text(given.rank, dx));
  check_extents(call, given.rank, dx);
  call.set_output(Dx, given.dtype, given.rank, dx);
  int64_t bytes = 0;
  switch (way_of(call, s)) {
    case Way::fold:
      bytes = conv_fold_bytes(gradient_of(call, s), thread_count());
      break;
    case Way::overlap:
      bytes = winograd_overlap_bytes(gradient_of(call, s), thread_count());
      break;
    case Way::mirrored: {
      const ConvProblem problem = mirrored(call, s);
      check_algorithm(call, problem.shape);
      bytes = conv_bytes(problem, thread_count());
      break;
    }
    case Way::phases:
      if (!s.empty() && !is_depthwise(s))
        for_each_phase(call, s, [&](const RowsProblem& rows) {
          bytes = std::max(bytes, rows_bytes(rows, thread_count()));
        });
  }
  call.set_scratch(Scratch, bytes);
}

void run_phases(const Call& call, const ConvShape& s) {
  const Array &dx = call.operand(Dx), &scratch = call.operand(Scratch);
  if (leaves_gaps(s)) std::memset(dx.data, 0, static_cast<size_t>(dx.bytes()));
  if (s.empty()) return;
  for_each_phase(call, s, [&](const RowsProblem& rows) {
    if (is_depthwise(s))
      run_depthwise_rows(rows, thread_count());
    else
      run_rows(rows, thread_count(), scratch.data, scratch.size());
  });
}

Status run(const Call& call) {
  const ConvShape s = shape_of(call);
  const Array& scratch = call.operand(Scratch);
  const int64_t threads = thread_count();
  switch (way_of(call, s)) {
    case Way::fold:
      run_conv_fold(gradient_of(call, s), threads, scratch.data, scratch.size());
      break;
    case Way::overlap:
      run_winograd_overlap(gradient_of(call, s), threads, scratch.data, scratch.size());
      break;
    case Way::mirrored:
      run_conv(mirrored(call, s), threads, scratch.data, scratch.size());
      break;
    case Way::phases:
      run_phases(call, s);
  }
  return {};
}

}  // namespace

void register_conv_backward_input() {
  Primitive primitive;
  primitive.name = "conv_backward_input";
  primitive.operands = {
      {"dx", Role::out}, {"dy", Role::in}, {"w", Role::in}, {"scratch", Role::scratch}};
  primitive.attributes = conv_attributes();
  primitive.attributes.push_back(spatial_attribute("extents", offsetof(InputAttributes, extents)));
  primitive.attributes.push_back(
      {"algorithm", AttributeKind::code, offsetof(InputAttributes, algorithm), 0, conv_algorithms});
  primitive.infer = infer;
  primitive.native = run;
  primitive.cost = [](const Call& call) { return shape_of(call).flops(); };
  register_primitive(std::move(primitive));
}

}  // namespace fastnn
