/** Where the system tells no limit (Windows), this many are always to be had. */
const OPEN_FILES_DEFAULT = 8_192;

/** How many files and sockets this process may have open at once; Node raises the soft limit to the hard one. */
export function openFilesMax(): number {
  // Else the report would look up the names of every connected address.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: string } };
  };
  const max = Number(userLimits?.open_files?.soft);
  return Number.isInteger(max) && max > 0 ? max : OPEN_FILES_DEFAULT;
}
