// Reads manifests (a JSON list) from stdin and prints, as JSON, what the schemas of their operators say
// against each: null where nothing. Arguments: the folder that the npm packages are in.
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const PACKAGES = {
  'keda.sh': 'keda',
  'monitoring.coreos.com': 'prometheus-operator',
  'gateway.networking.k8s.io': 'gateway-api',
};

async function faultOf(manifest) {
  const [group, version] = manifest.apiVersion.split('/');
  const path = join(process.argv[2], '@kubernetes-models', PACKAGES[group], group, version, 'index.js');
  const Kind = (await import(pathToFileURL(path)))[manifest.kind];
  try {
    new Kind(manifest).validate();
    return null;
  } catch (error) {
    return error.message;
  }
}

const manifests = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await Promise.all(manifests.map(faultOf))));
