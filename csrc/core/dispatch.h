// The one way into a primitive, for eager calls of every backend.
#pragma once

#include <string>

#include "core/primitive.h"

namespace fastnn {

// A backend written in another language runs calls through this hook (bindings install it).
// Returns false when that backend does not have the primitive.
using ForeignRun = bool (*)(int backend, const Call& call);
void set_foreign_run(ForeignRun run);

// 0 is native. Others get their number when they register.
constexpr int kNative = 0;
int register_backend(const std::string& name);
int find_backend(const std::string& name);  // -1: unknown
const char* backend_name(int backend);
int backend_count();

// The backend of the calling thread, and the one that threads start with.
int current_backend();
void set_thread_backend(int backend);
void set_default_backend(int backend);

// A backend that lacks a primitive falls back to another one; strict makes that an error.
void set_strict_backend(bool strict);

// Allocates the outputs and the scratch that `infer` described on the call's device. Throws
// std::bad_alloc.
void allocate_outputs(Call& call);

// Gives back the blocks of outputs and scratch of a call that will not be used.
void release_outputs(Call& call);

// Runs the native kernels, or the program that a backend made of the call. Throws Error for a
// status that is not zero.
void run_compiled(const Call& call);

// Runs a call that was recorded, where it ran then. Throws Error.
void run_again(const Call& call);

// Runs the call on the current backend and raises the version of what it wrote in place.
// Throws Error for a status that is not zero.
void launch(Call& call);

}  // namespace fastnn
