// Checks that the loss and the beam search of connectionist temporal classification share.
#pragma once

#include "ops/checks.h"

namespace fastnn {

inline void check_ctc_lengths(const Call& call, int operand, int64_t batch) {
  check_dtypes(call, operand, {DType::int32, DType::int64});
  const Array& lengths = call.operand(operand);
  if (lengths.rank != 1 || lengths.shape[0] != batch)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(lengths) + ", expected " +
             shape_text(1, &batch) + ", one length an example");
}

inline void check_ctc_blank(const Call& call, int64_t blank, int64_t classes) {
  if (blank < 0 || blank >= classes)
    fail(ErrorKind::value, call,
         "mask_index is " + std::to_string(blank) + ", expected one of " + std::to_string(classes) +
             " classes");
}

inline Error ctc_length_error(const Call& call, int operand, const Status& status, int64_t most) {
  return Error(ErrorKind::value,
               std::string(call.primitive->name) + ": " + operand_name(call, operand) + " is " +
                   std::to_string(status.value) + " for example " + std::to_string(status.where) +
                   ", expected 0 to " + std::to_string(most));
}

}  // namespace fastnn
