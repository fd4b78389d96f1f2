package org.unifiedvolume.fuse;

class JnrFuseTest extends FuseFileContract {
    @Override
    String binding() {
        return "jnr";
    }
}
