/** Says once why tests of sandboxes will fail: they are never skipped in silence. */
export function setup(): void {
  if (process.getuid?.() === 0) return
  process.stderr.write('not root: tests that make namespaces, mounts and cgroups will fail\n')
}
