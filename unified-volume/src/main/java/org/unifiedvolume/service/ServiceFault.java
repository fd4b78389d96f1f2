package org.unifiedvolume.service;

import java.util.List;

/// A service cannot be started: something that it is made of cannot be had. What had been opened is
/// closed again.
public final class ServiceFault extends Exception {
    private final List<String> problems;

    /// @param problems what is wrong, each with its place and remedy; at least one
    public ServiceFault(List<String> problems) {
        super(String.join("\n", problems), null, false, false);
        this.problems = List.copyOf(problems);
    }

    ServiceFault(String problem) {
        this(List.of(problem));
    }

    public List<String> problems() {
        return problems;
    }
}
