/** Inside a session, empty directories below which an agent file may ask for extra mounts. */
export const EXTRA_MOUNT_ROOTS = ['/opt', '/srv', '/mnt', '/media'] as const
