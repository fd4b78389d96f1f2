package org.unifiedvolume.request;

/// The label that a request carries from the export to the member.
///
/// Assigned once at the top; a layer that splits a request gives each child a tag of its own that
/// names its parent. The range is the one asked for where the tag was made: a layer that only moves
/// a request keeps the tag as it is.
///
/// @param id unique within the process
/// @param parentId the id of the request that this one is a part of; 0 at the top
/// @param operation what is asked
/// @param locality where the range lives: chooses the lane, the statistics, the read policy
/// @param offsetBytes where the range starts; divided by the block size it is the LBA
/// @param lengthBytes how long the range is; 0 for a flush
/// @param client the connection or mount that asks, for fair shares; 0 for the process itself
/// @param startNanos when the request entered at the top, on the process's own clock
public record IoTag(
        long id,
        long parentId,
        Operation operation,
        Locality locality,
        long offsetBytes,
        long lengthBytes,
        int client,
        long startNanos) {

    /// The tag of a request that does a part of this one's work.
    public IoTag child(long childId, Locality where, long childOffset, long childLength) {
        return new IoTag(
                childId, id, operation, where, childOffset, childLength, client, startNanos);
    }

    /// The tag of a request of another kind that this one needs to be carried out.
    public IoTag child(
            long childId, Operation deed, Locality where, long childOffset, long childLength) {
        return new IoTag(childId, id, deed, where, childOffset, childLength, client, startNanos);
    }
}
