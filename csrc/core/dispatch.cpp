#include "core/dispatch.h"

#include <atomic>
#include <cstdio>
#include <new>
#include <vector>

#include "core/memory_pool.h"
#include "core/program.h"
#include "core/recording.h"

namespace fastnn {
namespace {

std::vector<std::string>& backends() {
  static std::vector<std::string> names = {"native"};
  return names;
}

std::atomic<int> default_backend{kNative};
thread_local int thread_backend = -1;  // -1: the default
std::atomic<bool> strict_backend{false};
ForeignRun foreign_run = nullptr;

bool produced(Role role) { return role == Role::out || role == Role::scratch; }

template <class Visit>
void for_each_produced(Call& call, Visit visit) {
  const auto& operands = call.primitive->operands;
  for (size_t j = 0; j < operands.size(); ++j) {
    if (!produced(operands[j].role)) continue;
    for (int i = 0; i < call.count(static_cast<int>(j)); ++i)
      visit(operands[j].role, call.operand(static_cast<int>(j), i));
  }
}

// The native kernels alone need it.
void drop_scratch(Call& call) {
  const auto& operands = call.primitive->operands;
  for (size_t j = 0; j < operands.size(); ++j)
    if (operands[j].role == Role::scratch) call.resize(static_cast<int>(j), 0);
}

// What the elements take; extents whose product no number holds are out of memory too.
size_t checked_bytes(const Array& array) {
  int64_t bytes = item_size(array.dtype);
  bool overflow = false;
  for (int axis = 0; axis < array.rank; ++axis) {
    if (array.shape[axis] == 0) return 0;
    overflow = overflow || __builtin_mul_overflow(bytes, array.shape[axis], &bytes);
  }
  if (overflow) throw std::bad_alloc();
  return static_cast<size_t>(bytes);
}

std::string out_of_memory(Call& call) {
  double gigabytes[2] = {0, 0};  // of results, and to compute in
  for_each_produced(call, [&](Role role, Array& array) {
    double bytes = static_cast<double>(item_size(array.dtype));
    for (int axis = 0; axis < array.rank; ++axis) bytes *= static_cast<double>(array.shape[axis]);
    gigabytes[role == Role::scratch] += bytes / 1e9;
  });
  char text[128];
  std::snprintf(text, sizeof text, ": out of memory, with %.3g GB for results and %.3g GB besides",
                gigabytes[0], gigabytes[1]);
  return call.primitive->name + std::string(text);
}

[[noreturn]] void fail_missing(const Call& call, int backend, const char* reason) {
  throw Error(ErrorKind::runtime, std::string(call.primitive->name) + ": the " +
                                      backend_name(backend) +
                                      " backend has no such primitive, and " + reason);
}

// In Python, which no plan can do again. False: the backend lacks the primitive.
bool run_foreign(int backend, const Call& call) {
  if (Recording* recording = current_recording())
    recording->refuse(std::string("the ") + backend_name(backend) + " backend cannot replay " +
                      call.primitive->name);
  return foreign_run(backend, call);
}

void run(Call& call) {
  const int backend = current_backend();
  if (backend != kNative && has_planner(backend)) call.program = program_of(backend, call);
  if (call.program || (backend == kNative && call.primitive->native)) return run_compiled(call);
  if (backend != kNative && run_foreign(backend, call)) return;
  if (!call.primitive->native) {  // a user's function: for CPUs, jit_cpu compiles it
    const int compiler = find_backend("jit_cpu");
    if (has_planner(compiler)) call.program = program_of(compiler, call);
    if (call.program) return run_compiled(call);
  }
  if (strict_backend) fail_missing(call, backend, "FASTNN_STRICT_BACKEND forbids a fallback");
  const int reference = find_backend("reference");
  if (reference < 0 || !run_foreign(reference, call))
    fail_missing(call, backend, "the reference backend lacks it too");
}

}  // namespace

void set_foreign_run(ForeignRun run) { foreign_run = run; }

int register_backend(const std::string& name) {
  const int known = find_backend(name);
  if (known >= 0) return known;
  backends().push_back(name);
  return static_cast<int>(backends().size()) - 1;
}

int backend_count() { return static_cast<int>(backends().size()); }

int find_backend(const std::string& name) {
  for (size_t i = 0; i < backends().size(); ++i)
    if (backends()[i] == name) return static_cast<int>(i);
  return -1;
}

const char* backend_name(int backend) { return backends()[backend].c_str(); }

int current_backend() {
  return thread_backend >= 0 ? thread_backend : default_backend.load(std::memory_order_relaxed);
}
void set_thread_backend(int backend) { thread_backend = backend; }
void set_default_backend(int backend) { default_backend = backend; }
void set_strict_backend(bool strict) { strict_backend = strict; }

void allocate_outputs(Call& call) {
  if (call.device != Device::cpu) drop_scratch(call);
  try {
    for_each_produced(call, [&](Role, Array& array) {
      array.block = allocate_on(call.device, checked_bytes(array));
      array.data = array.block->data;
    });
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::memory, out_of_memory(call));
  }
}

void release_outputs(Call& call) {
  for_each_produced(call, [](Role, Array& array) {
    if (array.block) release(array.block);
    array.block = nullptr;
  });
}

void run_again(const Call& call) {
  if (call.device == Device::cpu)
    run_compiled(call);
  else
    device_driver().run(call);
}

void run_compiled(const Call& call) {
  const Status status = call.program ? run_program(call) : call.primitive->native(call);
  if (status.code != 0) throw call.primitive->describe(call, status);
}

void launch(Call& call) {
  if (call.device == Device::cpu)
    run(call);
  else
    device_driver().run(call);
  if (Recording* recording = current_recording()) recording->note(call);
  const auto& operands = call.primitive->operands;
  for (size_t j = 0; j < operands.size(); ++j) {
    const int operand = static_cast<int>(j);
    if (operands[j].role == Role::inout)
      for (int i = 0; i < call.count(operand); ++i) call.operand(operand, i).block->note_write();
    if (operands[j].role == Role::scratch)
      for (int i = 0; i < call.count(operand); ++i) {
        release(call.operand(operand, i).block);
        call.operand(operand, i).block = nullptr;
      }
  }
}

}  // namespace fastnn
