// ctc_loss: connectionist temporal classification from logits, with its gradient. An example is a
// task.
#include <algorithm>
#include <cstddef>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/ctc.h"
#include "ops/deal.h"
#include "ops/gemm.h"
#include "ops/indices.h"

namespace fastnn {
namespace {

enum { Loss, Dx, Scratch, Logits, Targets, InputLengths, TargetLengths };
enum { kBadTarget = 1, kBlankTarget, kBadInputLength, kBadTargetLength };

struct CtcAttributes {
  int64_t blank, zero_infinity;
};

// The scratch memory of one example: its labels, then what the kernel needs.
struct ExampleBytes {
  int64_t labels, all;

  explicit ExampleBytes(const Call& call) {
    const Array &logits = call.operand(Logits), &targets = call.operand(Targets);
    labels = aligned(targets.shape[1] * 8);
    all =
        labels + aligned(ctc_scratch(logits.shape[1], targets.shape[1]) * item_size(logits.dtype));
  }
};

void infer(Call& call) {
  check_float(call, Logits);
  check_rank(call, Logits, 3);
  check_dtypes(call, Targets, {DType::int32, DType::int64});
  const Array &logits = call.operand(Logits), &targets = call.operand(Targets);
  const int64_t batch = logits.shape[0];
  if (targets.rank != 2 || targets.shape[0] != batch)
    fail(ErrorKind::value, call,
         "target has shape " + shape_text(targets) + ", expected (" + std::to_string(batch) +
             ", most labels), a row an example of output");
  check_ctc_lengths(call, InputLengths, batch);
  check_ctc_lengths(call, TargetLengths, batch);
  check_ctc_blank(call, call.attributes.as<CtcAttributes>().blank, logits.shape[2]);
  call.set_output(Loss, logits.dtype, 1, &batch);
  call.set_output_like(Dx, logits);
  if (batch == 0) return call.set_scratch(Scratch, 0);
  const int64_t parts[] = {6 * logits.shape[1] + 32, targets.shape[1] + 32, 8};
  check_extents(call, 3, parts);
  const int64_t slots = std::min<int64_t>(batch, thread_count());
  call.set_scratch(Scratch, slots * ExampleBytes(call).all);
}

Status find_bad_value(const Call& call) {
  const Array &logits = call.operand(Logits), &targets = call.operand(Targets);
  const int64_t blank = call.attributes.as<CtcAttributes>().blank;
  for (int64_t i = 0; i < logits.shape[0]; ++i) {
    const int64_t time = index_at(call.operand(InputLengths), i);
    if (time < 0 || time > logits.shape[1]) return {kBadInputLength, i, time};
    const int64_t count = index_at(call.operand(TargetLengths), i);
    if (count < 0 || count > targets.shape[1]) return {kBadTargetLength, i, count};
    for (int64_t j = i * targets.shape[1]; j < i * targets.shape[1] + count; ++j) {
      const int64_t label = index_at(targets, j);
      if (label < 0 || label >= logits.shape[2]) return {kBadTarget, j, label};
      if (label == blank) return {kBlankTarget, j, label};
    }
  }
  return {};
}

Status run(const Call& call) {
  if (const Status status = find_bad_value(call); status.code) return status;
  const auto& attributes = call.attributes.as<CtcAttributes>();
  const Array &logits = call.operand(Logits), &targets = call.operand(Targets);
  const int64_t batch = logits.shape[0], frames = logits.shape[1], classes = logits.shape[2];
  if (batch == 0) return {};
  const int64_t item = item_size(logits.dtype), most = targets.shape[1];
  const ExampleBytes bytes(call);
  const Array& scratch = call.operand(Scratch);
  const auto kernel = kernels().ctc.loss[static_cast<int>(logits.dtype)];
  deal(scratch.size() / bytes.all, batch, 1, 1, [&](int64_t i, int64_t, int64_t slot, int64_t) {
    char* own = scratch.data + slot * bytes.all;
    auto* labels = reinterpret_cast<int64_t*>(own);
    // Within bounds whatever another thread has written since the check.
    const int64_t time = std::clamp<int64_t>(index_at(call.operand(InputLengths), i), 0, frames);
    const int64_t count = std::clamp<int64_t>(index_at(call.operand(TargetLengths), i), 0, most);
    for (int64_t j = 0; j < count; ++j)
      labels[j] = bounded(index_at(targets, i * most + j), classes);
    const int64_t at = i * frames * classes * item;
    const CtcExample example{logits.data + at,
                             labels,
                             frames,
                             time,
                             classes,
                             count,
                             attributes.blank,
                             attributes.zero_infinity != 0,
                             call.operand(Loss).data + i * item,
                             call.operand(Dx).data + at,
                             own + bytes.labels};
    kernel(&example);
  });
  return {};
}

Error describe(const Call& call, const Status& status) {
  const Array &logits = call.operand(Logits), &targets = call.operand(Targets);
  const std::string value = std::to_string(status.value);
  if (status.code == kBadInputLength)
    return ctc_length_error(call, InputLengths, status, logits.shape[1]);
  if (status.code == kBadTargetLength)
    return ctc_length_error(call, TargetLengths, status, targets.shape[1]);
  const int64_t most = targets.shape[1];
  const std::string label = "ctc_loss: label " + value + " at (" +
                            std::to_string(status.where / most) + ", " +
                            std::to_string(status.where % most) + ") of target is ";
  return Error(ErrorKind::value,
               status.code == kBlankTarget
                   ? label + "the blank"
                   : label + "out of range for " + std::to_string(logits.shape[2]) + " classes");
}

double cost(const Call& call) {
  const Array& logits = call.operand(Logits);
  const double frames = static_cast<double>(logits.shape[0] * logits.shape[1]);
  return frames * (10.0 * static_cast<double>(logits.shape[2]) +
                   30.0 * static_cast<double>(call.operand(Targets).shape[1] + 1));
}

}  // namespace

void register_ctc() {
  register_primitive(
      {"ctc_loss",
       {{"loss", Role::out},
        {"dx", Role::out},
        {"scratch", Role::scratch},
        {"output", Role::in},
        {"target", Role::in},
        {"output_length", Role::in},
        {"target_length", Role::in}},
       {{"mask_index", AttributeKind::integer, offsetof(CtcAttributes, blank)},
        {"zero_infinity", AttributeKind::boolean, offsetof(CtcAttributes, zero_infinity)}},
       infer,
       run,
       describe,
       cost});
}

}  // namespace fastnn
