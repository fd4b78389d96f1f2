package org.unifiedvolume.cli;

import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Option;

/// Whether what a new member carries may be given up, for the commands that bring one in.
final class GivenUp {
    @Option(names = "--force", description = "Give up what the new member carries.")
    private boolean force;

    boolean isGiven() {
        return force;
    }

    /// A request that brings a member in.
    Request request(String command, String uri) throws ConfigFault {
        return request(command).with("uri", OfflineMembers.absolute(uri));
    }

    /// A request that brings several members in, or none.
    Request request(String command) {
        return Request.of(command).with("force", force);
    }
}
