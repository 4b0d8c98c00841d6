// Code that was compiled while the process runs: what a backend made of one call.
//
// A program is a list of stages; a stage is one C function, a tile, that is called once for each of
// its tasks on fastnn's threads. Stages follow each other, tasks of a stage run in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/primitive.h"

namespace fastnn {

// `status` is that of the call: {code, where, value}, as in Status. A tile that may write it has
// one task.
using Tile = void (*)(char* const* arrays, const int64_t* integers, const double* reals,
                      int64_t* status, int64_t task);

struct Stage {
  Tile tile = nullptr;
  int64_t tasks = 1;
  std::vector<int32_t> arrays;  // of the call, by index; from Call::total() on: of Program::scratch
  std::vector<int64_t> integers;
  std::vector<double> reals;
};

struct Program {
  std::vector<Stage> stages;
  std::vector<int64_t> scratch;  // bytes of the arrays that stages hand to each other
};

// Makes the program of a call; null: the backend has none for it. Called once for each kind of
// call: primitive, attributes, shapes and dtypes. Throws.
using Planner = std::shared_ptr<const Program> (*)(int backend, const Call& call);

// Marks a backend as one that runs programs.
void set_planner(int backend, Planner planner);
bool has_planner(int backend);

// The program of a call on such a backend; those of recent kinds of calls are kept until
// `forget_programs`.
std::shared_ptr<const Program> program_of(int backend, const Call& call);
void forget_programs();

// Runs `call.program`. Operands that are not row-major are packed first. Throws std::bad_alloc.
Status run_program(const Call& call);

}  // namespace fastnn
