// Reductions: reduce, arg_reduce, reduce_list.
#pragma once

#include "core/primitive.h"
#include "kernels/reduce.h"
#include "ops/reduce_plan.h"

namespace fastnn {

// The inner loops of one reduction of one dtype.
struct Folder {
  int op;  // FoldOp
  DType result;
  FoldRows rows;
  FoldColumns columns;
  FoldMerge merge;
  bool whole_rows;  // a row cannot be put together from parts
};

// logsumexp and mean included: a mean is a sum that the caller divides.
Folder folder_for(ReduceOp op, DType dtype);

// Bytes of scratch that a pass asks for, beside its operand and its result.
int64_t pass_scratch(const Folder& folder, const ReducePass& pass);
void run_pass(const Folder& folder, DType dtype, const ReducePass& pass, const char* x, char* y,
              char* scratch);

// Folds `count` results of `n` elements each into the first of them.
void fold_in_pairs(const Folder& folder, char* results, int64_t count, int64_t n);

// Rank and shape of the result; reduced axes stay with extent 1 if `keepdims`.
int reduced_shape(const Array& x, int64_t axes, bool keepdims, int64_t* shape);

void register_arg_reduce();
void register_reduce_list();

}  // namespace fastnn
