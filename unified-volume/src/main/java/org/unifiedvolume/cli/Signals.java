package org.unifiedvolume.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/// Catches signals, so that a service can end in order and with the exit code 0; a shutdown hook
/// could do neither.
///
/// The JDK's class for this, `sun.misc.Signal`, is supported (module `jdk.unsupported`), but the
/// compiler warns of every use and cannot be told not to; hence by reflection.
final class Signals {
    private Signals() {}

    /// Runs `action`, on a thread of the JVM's, whenever the signal (`TERM`, `INT`) arrives.
    static void on(String signal, Runnable action) {
        try {
            Class<?> signals = Class.forName("sun.misc.Signal");
            Class<?> handlers = Class.forName("sun.misc.SignalHandler");
            InvocationHandler call =
                    (Object proxy, Method method, Object[] arguments) ->
                            switch (method.getName()) {
                                case "handle" -> {
                                    action.run();
                                    yield null;
                                }
                                case "equals" -> proxy == arguments[0];
                                case "hashCode" -> System.identityHashCode(proxy);
                                default -> "the handler of SIG" + signal;
                            };
            Object handler =
                    Proxy.newProxyInstance(
                            Signals.class.getClassLoader(), new Class<?>[] {handlers}, call);
            signals.getMethod("handle", signals, handlers)
                    .invoke(
                            null,
                            signals.getConstructor(String.class).newInstance(signal),
                            handler);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("SIG" + signal + " cannot be caught", e);
        }
    }
}
