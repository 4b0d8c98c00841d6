// cross_entropy and binary_cross_entropy: losses from logits with their gradients.
#include <algorithm>
#include <cstddef>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 13;

void check_smoothing(const Call& call, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    fail(ErrorKind::value, call,
         "smoothing is " + std::to_string(smoothing) + ", expected a number from 0 to 1");
}

namespace categorical {
enum { Loss, Dx, Logits, Labels, Weight };
constexpr int32_t kOutOfRange = 1;
constexpr int64_t kMaxRows = 256;  // of one task: their labels are widened on the stack

struct Attributes {
  double smoothing;
  int64_t has_ignore, ignore_class;
};

void infer(Call& call) {
  check_float(call, Logits);
  check_rank(call, Logits, 2);
  check_smoothing(call, call.attributes.as<Attributes>().smoothing);
  const Array &logits = call.operand(Logits), &labels = call.operand(Labels);
  const int64_t rows = logits.shape[0];
  if (labels.dtype == DType::int32 || labels.dtype == DType::int64) {
    if (labels.rank != 1 || labels.shape[0] != rows)
      fail(ErrorKind::value, call,
           "labels has shape " + shape_text(labels) + ", expected " + shape_text(1, &rows) +
               ", one label a row of logits");
  } else if (labels.dtype != logits.dtype) {
    fail(ErrorKind::type, call,
         std::string("labels has dtype ") + dtype_name(labels.dtype) +
             ", expected int32 or int64, or " + dtype_name(logits.dtype) + " as logits");
  } else {
    check_same_shape(call, Logits, Labels);
  }
  if (call.has(Weight)) {
    const Array& weight = call.operand(Weight);
    check_same_dtype(call, Logits, Weight);
    if (weight.rank != 1 || weight.shape[0] != rows)
      fail(ErrorKind::value, call,
           "sample_weight has shape " + shape_text(weight) + ", expected " + shape_text(1, &rows) +
               ", one weight a row of logits");
  }
  call.set_output(Loss, logits.dtype, 1, &rows);
  call.set_output_like(Dx, logits);
}

template <class I>
Status find_bad_label(const Array& labels, const Attributes& attributes, int64_t classes) {
  const I* label = labels.as<I>();
  for (int64_t row = 0; row < labels.shape[0]; ++row) {
    const int64_t value = label[row];
    if (value >= 0 && value < classes) continue;
    if (!attributes.has_ignore || value != attributes.ignore_class)
      return {kOutOfRange, row, value};
  }
  return {};
}

// A label that another thread has put out of range since the check does not count.
template <class I>
void widen(const Array& labels, const Attributes& attributes, int64_t classes, int64_t first,
           int64_t count, int64_t* wide) {
  const I* label = labels.as<I>() + first;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t value = read_once(label + i);
    const bool ignored = attributes.has_ignore && value == attributes.ignore_class;
    wide[i] = !ignored && value >= 0 && value < classes ? value : FASTNN_NO_LABEL;
  }
}

Status run(const Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  const Array &logits = call.operand(Logits), &labels = call.operand(Labels);
  const int64_t rows = logits.shape[0], n = logits.shape[1], item = item_size(logits.dtype);
  const bool sparse = !is_float(labels.dtype), narrow = labels.dtype == DType::int32;
  if (sparse) {
    const Status status = narrow ? find_bad_label<int32_t>(labels, attributes, n)
                                 : find_bad_label<int64_t>(labels, attributes, n);
    if (status.code) return status;
  }
  const auto kernel = kernels().loss.cross_entropy[static_cast<int>(logits.dtype)];
  char *loss = call.operand(Loss).data, *dx = call.operand(Dx).data;
  const char* weight = call.has(Weight) ? call.operand(Weight).data : nullptr;
  const int64_t many = std::min(units_per_task(n, kTaskElements), kMaxRows);
  for_pieces(rows, many, [&](int64_t first, int64_t count) {
    int64_t wide[kMaxRows];
    if (sparse)
      narrow ? widen<int32_t>(labels, attributes, n, first, count, wide)
             : widen<int64_t>(labels, attributes, n, first, count, wide);
    kernel(logits.data + first * n * item, sparse ? wide : nullptr,
           sparse ? nullptr : labels.data + first * n * item,
           weight ? weight + first * item : nullptr, attributes.smoothing, count, n,
           loss + first * item, dx + first * n * item);
  });
  return {};
}

Error describe(const Call& call, const Status& status) {
  return Error(ErrorKind::value, "cross_entropy: label " + std::to_string(status.value) +
                                     " at row " + std::to_string(status.where) +
                                     " is out of range for " +
                                     std::to_string(call.operand(Logits).shape[1]) + " classes");
}

double cost(const Call& call) { return 10.0 * static_cast<double>(call.operand(Logits).size()); }
}  // namespace categorical

namespace binary {
enum { Loss, Dx, Logits, Targets, Weight };

struct Attributes {
  double smoothing;
};

void infer(Call& call) {
  check_float(call, Logits);
  check_same_dtype(call, Logits, Targets);
  check_same_shape(call, Logits, Targets);
  if (call.has(Weight)) {
    check_same_dtype(call, Logits, Weight);
    check_same_shape(call, Logits, Weight);
  }
  check_smoothing(call, call.attributes.as<Attributes>().smoothing);
  call.set_output_like(Loss, call.operand(Logits));
  call.set_output_like(Dx, call.operand(Logits));
}

Status run(const Call& call) {
  const Array& logits = call.operand(Logits);
  const int64_t n = logits.size(), item = item_size(logits.dtype);
  const auto kernel = kernels().loss.binary_cross_entropy[static_cast<int>(logits.dtype)];
  const double smoothing = call.attributes.as<Attributes>().smoothing;
  for_pieces(n, kTaskElements, [&](int64_t first, int64_t count) {
    const int64_t at = first * item;
    kernel(logits.data + at, call.operand(Targets).data + at,
           call.has(Weight) ? call.operand(Weight).data + at : nullptr, smoothing, count,
           call.operand(Loss).data + at, call.operand(Dx).data + at);
  });
  return {};
}

double cost(const Call& call) { return 20.0 * static_cast<double>(call.operand(Logits).size()); }
}  // namespace binary

}  // namespace

void register_loss() {
  register_primitive(
      {"cross_entropy",
       {{"loss", Role::out},
        {"dx", Role::out},
        {"logits", Role::in},
        {"labels", Role::in},
        {"sample_weight", Role::in, true}},
       {{"smoothing", AttributeKind::real, offsetof(categorical::Attributes, smoothing)},
        {"has_ignore", AttributeKind::boolean, offsetof(categorical::Attributes, has_ignore)},
        {"ignore_class", AttributeKind::integer, offsetof(categorical::Attributes, ignore_class)}},
       categorical::infer,
       categorical::run,
       categorical::describe,
       categorical::cost});
  register_primitive({"binary_cross_entropy",
                      {{"loss", Role::out},
                       {"dx", Role::out},
                       {"logits", Role::in},
                       {"targets", Role::in},
                       {"sample_weight", Role::in, true}},
                      {{"smoothing", AttributeKind::real, offsetof(binary::Attributes, smoothing)}},
                      binary::infer,
                      binary::run,
                      nullptr,
                      binary::cost});
}

}  // namespace fastnn
