// Lets Temporal's own SDK download the server into the folder named by the first argument. A process of
// its own, because the download cannot be cancelled any other way. (Plain JavaScript: the tests run it
// from the sources.)
'use strict';

const { TestWorkflowEnvironment } = require('@temporalio/testing');

const [downloadDir] = process.argv.slice(2);

TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir } },
})
  .then((environment) => environment.teardown())
  .then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
