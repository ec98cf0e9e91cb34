// The C side of one verilated model; included by a generated file that defines TOP, CLOCK, NAME and PORTS.
#include <verilated.h>
#if VM_TRACE
#include <verilated_vcd_c.h>
#endif
#include <memory>
#include <mutex>

// Verilated keeps a process-wide pointer to the last context: making and freeing models and opening traces
// must not overlap between threads (ThreadSanitizer found the race in a shim without this lock).
std::mutex& nda_sim_lock();

namespace {
struct Sim {
    VerilatedContext context;  // one a model: time is not shared
    std::unique_ptr<TOP> top;
#if VM_TRACE
    VerilatedVcdC* trace = nullptr;  // owned by Rust, which closes it before the model goes
#endif
    Sim() {
        context.threads(1);  // else the context starts a worker thread a core
#if VM_TRACE
        context.traceEverOn(true);
#endif
        top.reset(new TOP(&context, "TOP"));
        top->CLOCK = 0;
        top->eval();
    }
    ~Sim() { top->final(); }
    inline void tick() {
#if VM_TRACE
        if (VL_UNLIKELY(trace != nullptr)) {
            // Inputs were set since the last edge: show what they settle to before the next one.
            top->eval();
            trace->dump(context.time());
        }
#endif
        context.timeInc(1);
        top->CLOCK = 1;
        top->eval();
#if VM_TRACE
        if (VL_UNLIKELY(trace != nullptr)) trace->dump(context.time());
#endif
        context.timeInc(1);
        top->CLOCK = 0;
        top->eval();
    }
};
struct Port {
    const char* name;
    void* (*place)(Sim*);
    uint32_t bits;
    uint32_t is_input;
};
const Port ports[] = {PORTS};
}  // namespace

extern "C" {
struct NdaModelApi {
    void* (*make)();
    void (*destroy)(void*);
    void (*eval)(void*);
    void (*tick)(void*);
    void (*trace)(void*, void*, int);
    uint32_t port_count;
    const char* (*port_name)(uint32_t);
    uint32_t (*port_bits)(uint32_t);
    uint32_t (*port_is_input)(uint32_t);
    void* (*port_place)(void*, uint32_t);
};

const NdaModelApi* NAME() {
    static const NdaModelApi api = {
        []() -> void* {
            try {
                std::lock_guard<std::mutex> guard(nda_sim_lock());
                return new Sim;
            } catch (...) {
                return nullptr;
            }
        },
        [](void* p) {
            std::lock_guard<std::mutex> guard(nda_sim_lock());
            delete static_cast<Sim*>(p);
        },
        [](void* p) { static_cast<Sim*>(p)->top->eval(); },
        [](void* p) { static_cast<Sim*>(p)->tick(); },
#if VM_TRACE
        [](void* p, void* vcd, int levels) {
            std::lock_guard<std::mutex> guard(nda_sim_lock());
            auto sim = static_cast<Sim*>(p);
            sim->trace = static_cast<VerilatedVcdC*>(vcd);
            if (sim->trace) {
                Verilated::threadContextp(&sim->context);  // the trace takes its context from here
                sim->top->trace(sim->trace, levels);
            }
        },
#else
        nullptr,  // this model has no waves
#endif
        sizeof(ports) / sizeof(ports[0]),
        [](uint32_t i) { return ports[i].name; },
        [](uint32_t i) { return ports[i].bits; },
        [](uint32_t i) { return ports[i].is_input; },
        [](void* p, uint32_t i) { return ports[i].place(static_cast<Sim*>(p)); },
    };
    return &api;
}
}
