/* The table of inner loops: one C struct a kernel family, filled once per target.
 *
 * Plain C structs without initializers, so that no constructor is emitted into objects that were
 * compiled for an instruction set which the processor may lack. */
#pragma once

#include "kernels/attention.h"
#include "kernels/batch_norm.h"
#include "kernels/binary.h"
#include "kernels/ctc.h"
#include "kernels/cumulative.h"
#include "kernels/depthwise.h"
#include "kernels/direct.h"
#include "kernels/gemm.h"
#include "kernels/loss.h"
#include "kernels/moments.h"
#include "kernels/movement.h"
#include "kernels/norm.h"
#include "kernels/optimizer.h"
#include "kernels/order.h"
#include "kernels/pack.h"
#include "kernels/pool.h"
#include "kernels/probe.h"
#include "kernels/random.h"
#include "kernels/reduce.h"
#include "kernels/reduce_exact.h"
#include "kernels/rnn.h"
#include "kernels/softmax.h"
#include "kernels/unary.h"
#include "kernels/unary_backward.h"
#include "kernels/winograd.h"

/* X(family, Struct): what csrc/core/targets.cpp walks over, and CMakeLists.txt compiles. */
#define FASTNN_KERNEL_FAMILIES(X)         \
  X(attention, AttentionKernels)          \
  X(batch_norm, BatchNormKernels)         \
  X(binary, BinaryKernels)                \
  X(ctc, CtcKernels)                      \
  X(cumulative, CumulativeKernels)        \
  X(depthwise, DepthwiseKernels)          \
  X(direct, DirectKernels)                \
  X(gemm, GemmKernels)                    \
  X(loss, LossKernels)                    \
  X(moments, MomentsKernels)              \
  X(movement, MovementKernels)            \
  X(norm, NormKernels)                    \
  X(optimizer, OptimizerKernels)          \
  X(order, OrderKernels)                  \
  X(pack, PackKernels)                    \
  X(pool, PoolKernels)                    \
  X(probe, ProbeKernels)                  \
  X(random, RandomKernels)                \
  X(reduce, ReduceKernels)                \
  X(reduce_exact, ReduceExactKernels)     \
  X(rnn, RnnKernels)                      \
  X(softmax, SoftmaxKernels)              \
  X(unary, UnaryKernels)                  \
  X(unary_backward, UnaryBackwardKernels) \
  X(winograd, WinogradKernels)

#define FASTNN_KERNEL_MEMBER(family, Struct) struct Struct family;
struct KernelTable {
  const char* target;
  FASTNN_KERNEL_FAMILIES(FASTNN_KERNEL_MEMBER)
};
#undef FASTNN_KERNEL_MEMBER
