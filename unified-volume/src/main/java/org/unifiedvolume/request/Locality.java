package org.unifiedvolume.request;

/// Where the bytes of a request live; it chooses the lane that carries the request out.
public enum Locality {
    /// On this host: files and block devices.
    LOCAL,
    /// Behind a network protocol, also if the server happens to run on this host.
    REMOTE,
    /// Some here, some there: the request spans members of both kinds.
    MIXED;

    /// The locality of a range that is made of a part with this one and a part with `other`.
    public Locality and(Locality other) {
        return this == other ? this : MIXED;
    }
}
