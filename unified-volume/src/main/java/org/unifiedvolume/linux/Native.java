package org.unifiedvolume.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/// Binds C functions and hands out the place where the calling thread keeps its `errno`.
///
/// A bound function takes the thread's state segment first, then the C arguments. Pointers are
/// declared as 64-bit integers: the calling conventions of x86-64 and AArch64 pass both alike, and
/// a `long` needs no wrapper object.
final class Native {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> STATES =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    private Native() {}

    /// Binds a function with a fixed number of arguments.
    static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
        return bind(name, -1, result, arguments);
    }

    /// Binds a function whose arguments from `firstVariadic` on are variadic (`...` in C).
    static MethodHandle bindVariadic(
            String name, int firstVariadic, MemoryLayout result, MemoryLayout... arguments) {
        return bind(name, firstVariadic, result, arguments);
    }

    private static MethodHandle bind(
            String name, int firstVariadic, MemoryLayout result, MemoryLayout... arguments) {
        MemorySegment address =
                LIBC.find(name)
                        .orElseThrow(() -> new UnsatisfiedLinkError("the C library lacks " + name));
        List<Linker.Option> options = new ArrayList<>();
        options.add(Linker.Option.captureCallState("errno"));
        if (firstVariadic >= 0) {
            options.add(Linker.Option.firstVariadicArg(firstVariadic));
        }
        return LINKER.downcallHandle(
                address,
                FunctionDescriptor.of(result, arguments),
                options.toArray(Linker.Option[]::new));
    }

    /// The calling thread's place for `errno`.
    static MemorySegment state() {
        return STATES.get();
    }

    /// Turns C's "-1 and errno" into a negative error number.
    static long result(long returned, MemorySegment state) {
        return returned == -1 ? -(long) (int) ERRNO.get(state, 0L) : returned;
    }

    /// As [#result(long, MemorySegment)], for functions that return an `int`.
    static int result(int returned, MemorySegment state) {
        return returned == -1 ? -(int) ERRNO.get(state, 0L) : returned;
    }

    /// A method handle threw: the binding and its use disagree, or memory ran out.
    static Error broken(Throwable thrown) {
        if (thrown instanceof Error error) {
            return error;
        }
        return new AssertionError("a native call failed to link", thrown);
    }
}
