// resize and resize_backward: spatial axes at another resolution, nearest or (bi)linear.
//
// Each axis has a table of what a position of the result reads, with weights; their products weigh
// the elements. The gradient reads the same table by its other side.
#include <cmath>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/pool.h"

namespace fastnn {
namespace {

enum class Method : int64_t { nearest, bilinear };
enum class Corners : int64_t { half_pixel, align_corners, asymmetric };

CodeList resize_methods() {
  static constexpr const char* names[] = {"nearest", "bilinear"};
  return {names, 2};
}
CodeList resize_corners() {
  static constexpr const char* names[] = {"half_pixel", "align_corners", "asymmetric"};
  return {names, 3};
}

struct Attributes {
  int64_t size[kMaxSpatial + 1];  // of what the call returns
  int64_t method, corners;
};

// One axis of `in` positions that becomes one of `out`.
struct Axis {
  int64_t in, out;
  Method method;
  Corners corners;

  // Position o of the result reads `first` and, unless they are the same, `second`.
  struct Source {
    int64_t first, second;
    double weight;  // of the second
  };

  Source source(int64_t o) const {
    const bool aligned = corners == Corners::align_corners;
    if (method == Method::nearest && !aligned) {
      const bool half = corners == Corners::half_pixel;
      const int64_t i = half ? (2 * o + 1) * in / (2 * out) : o * in / out;
      return {i, i, 0};
    }
    const double ratio = aligned ? static_cast<double>(in - 1) / static_cast<double>(out - 1)
                                 : static_cast<double>(in) / static_cast<double>(out);
    double place = 0;
    if (corners == Corners::half_pixel)
      place = (static_cast<double>(o) + 0.5) * ratio - 0.5;
    else if (!aligned || out > 1)
      place = static_cast<double>(o) * ratio;
    if (method == Method::nearest) {
      const int64_t i = static_cast<int64_t>(place + 0.5);
      return {i, i, 0};
    }
    if (place < 0) place = 0;
    int64_t first = static_cast<int64_t>(place);
    if (first > in - 1) first = in - 1;
    const int64_t second = first + 1 < in ? first + 1 : first;
    return {first, second, second > first ? place - static_cast<double>(first) : 0};
  }
};

constexpr int64_t kMostExtent = int64_t{1} << 30;  // products of two extents and two fit

// The axes of a call, between x of extents `in` and y of extents `out`, `rank` of them.
struct Axes {
  Axis axis[kMaxSpatial];
  Axes(const Attributes& a, int rank, const int64_t* in, const int64_t* out) {
    for (int i = 0; i < kMaxSpatial; ++i) {
      const int own = i - (kMaxSpatial - rank);
      axis[i] = {own < 0 ? 1 : in[own], own < 0 ? 1 : out[own], static_cast<Method>(a.method),
                 static_cast<Corners>(a.corners)};
    }
  }

  int64_t scratch() const {
    int64_t bytes = 0;
    for (const Axis& a : axis)
      bytes += (a.in + a.out) * static_cast<int64_t>(sizeof(PoolSpan)) +
               2 * a.out * static_cast<int64_t>(sizeof(double));
    return bytes;
  }

  int64_t reads(bool backward) const {
    int64_t product = 1;
    for (const Axis& a : axis) product *= backward ? ceil_div(2 * a.out, a.in) : 2;
    return product;
  }

  Pool forward(int64_t channels, char* scratch) const {
    Pool pool;
    pool.channels = channels;
    PoolSpan* span = reinterpret_cast<PoolSpan*>(scratch);
    double* weights = reinterpret_cast<double*>(span + axis[0].out + axis[1].out + axis[2].out);
    for (int i = 0; i < kMaxSpatial; ++i) {
      pool.axis[i] = {span, axis[i].out, axis[i].in, 1, 1, 0};
      for (int64_t o = 0; o < axis[i].out; ++o, ++span, weights += 2) {
        const Axis::Source from = axis[i].source(o);
        weights[0] = 1 - from.weight;
        weights[1] = from.weight;
        *span = {from.first, from.second - from.first + 1, 0, 1, weights};
      }
    }
    return pool;
  }

  Pool backward(int64_t channels, char* scratch) const {
    Pool pool;
    pool.channels = channels;
    PoolSpan* span = reinterpret_cast<PoolSpan*>(scratch);
    double* weights = reinterpret_cast<double*>(span + axis[0].in + axis[1].in + axis[2].in);
    for (int i = 0; i < kMaxSpatial; ++i) {
      pool.axis[i] = {span, axis[i].in, axis[i].out, 1, 1, 0};
      int64_t o = 0;  // the first position of y that reads what is at j or behind
      for (int64_t j = 0; j < axis[i].in; ++j, ++span) {
        while (o < axis[i].out && axis[i].source(o).second < j) ++o;
        *span = {o, 0, 0, 1, weights};
        for (int64_t k = o; k < axis[i].out; ++k) {
          const Axis::Source from = axis[i].source(k);
          if (from.first > j) break;
          *weights++ = from.first == j ? 1 - from.weight : from.weight;
          ++span->count;
        }
      }
    }
    return pool;
  }
};

enum { Result, Operand, Scratch };

// resize makes y of x, resize_backward dx of dy: the result has the extents of the attribute.
template <bool kBackward>
Axes axes_of(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const Array& operand = call.operand(Operand);
  const int rank = spatial_rank(call, Operand);
  const int64_t *own = operand.shape + 1, *other = a.size + 1;
  return kBackward ? Axes(a, rank, other, own) : Axes(a, rank, own, other);
}

template <bool kBackward>
void infer(Call& call) {
  check_float(call, Operand);
  const auto& a = call.attributes.as<Attributes>();
  const int rank = spatial_rank(call, Operand);
  check_entries(call, kBackward ? "extents" : "size", a.size, rank);
  const Array operand = call.operand(Operand);
  for (int i = 1; i <= rank; ++i)
    if (a.size[i] < 1 || a.size[i] > kMostExtent || operand.shape[i] < 1 ||
        operand.shape[i] > kMostExtent)
      fail(ErrorKind::value, call,
           operand_name(call, Operand) + " has spatial shape " +
               shape_text(rank, operand.shape + 1) + " and the result " +
               shape_text(rank, a.size + 1) + ", expected extents of 1 to " +
               std::to_string(kMostExtent));
  int64_t extents[kMaxSpatial] = {1, 1, 1};
  for (int i = 0; i < rank; ++i) extents[kMaxSpatial - rank + i] = a.size[i + 1];
  set_spatial_output(call, Result, operand, extents);
  call.set_scratch(Scratch, axes_of<kBackward>(call).scratch());
}

template <bool kBackward>
Status run(const Call& call) {
  const Array &operand = call.operand(Operand), &result = call.operand(Result);
  const Axes axes = axes_of<kBackward>(call);
  const int64_t channels = operand.shape[operand.rank - 1];
  char* scratch = call.operand(Scratch).data;
  const Pool pool = kBackward ? axes.backward(channels, scratch) : axes.forward(channels, scratch);
  const PoolWeighted kernel = kernels().pool.weighted[static_cast<int>(operand.dtype)];
  for_pool_rows(pool, operand.shape[0], axes.reads(kBackward), [&](int64_t row, int64_t rows) {
    kernel(&pool, operand.data, row, rows, result.data);
  });
  return {};
}

template <bool kBackward>
void register_one(const char* name, const char* result, const char* operand, const char* size) {
  register_primitive(
      {name,
       {{result, Role::out}, {operand, Role::in}, {"scratch", Role::scratch}},
       {spatial_attribute(size, offsetof(Attributes, size)),
        {"method", AttributeKind::code, offsetof(Attributes, method), 0, resize_methods},
        {"corners", AttributeKind::code, offsetof(Attributes, corners), 0, resize_corners}},
       infer<kBackward>,
       run<kBackward>});
}

}  // namespace

void register_resize() {
  register_one<false>("resize", "y", "x", "size");
  register_one<true>("resize_backward", "dx", "dy", "extents");
}

}  // namespace fastnn
